"""Spreadsheets are taken as they are; all that is looked at is whether the file is whole."""

from __future__ import annotations

import io
import zipfile
import zlib

SPREADSHEETS = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xls": "application/vnd.ms-excel",
}
OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def is_whole(content: bytes, suffix: str) -> bool:
    """An .xlsx is a zip archive whose every part has the right checksum; an .xls shows its magic number only."""
    if suffix == ".xls":
        return content.startswith(OLE)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return False
