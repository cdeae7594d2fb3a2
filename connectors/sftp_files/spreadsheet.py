"""Spreadsheets are taken as they are; all that is looked at is whether the file is whole and safe to open."""

from __future__ import annotations

from connectors.sftp_files.archives import Zip
from connectors.sftp_files.options import Unpacking
from gateway.errors import Rejected

OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def check_xlsx(content: bytes, limits: Unpacking) -> None:
    """An .xlsx is a zip archive whose every part has the right checksum. Raises ``Rejected`` like :class:`Zip`."""
    Zip(content, limits).check()


def check_xls(content: bytes, _limits: Unpacking) -> None:
    """An .xls shows its magic number only; some exporters write a web page under that name."""
    if not content.startswith(OLE):
        raise Rejected("file.broken", reason="xls")
