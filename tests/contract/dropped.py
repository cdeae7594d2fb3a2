"""Dropping files for tests, and looking at what a pull made of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import connectors
from gateway.connector import Page
from tests.contract.rigs import FilesRig, connector


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def drop(rig: FilesRig, name: str, content: bytes, flag: str | None = "") -> None:
    (rig.outbox / name).write_bytes(content)
    if flag is not None:
        (rig.outbox / f"{name}.ok").write_text(flag)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return content.getvalue()


def lines(*ids: str) -> bytes:
    return "".join(["流水号,时间,文字\r\n", *(f"{each},t,满意\r\n" for each in ids)]).encode("gb18030")


def with_options(rig: FilesRig, **options: Any) -> FilesRig:
    rig.source = rig.source.model_copy(update={"options": {**rig.source.options, **options}})
    return rig


def with_error_folder(root: Path) -> FilesRig:
    """A folder of this machine with an error folder; its flags hold nothing."""
    (root / "error").mkdir()
    return FilesRig(root, error=str(root / "error"), flag_holds_rows=False)


def pages_of(rig: FilesRig) -> list[Page]:
    source = connector(rig)
    try:
        return list(source.pages(None, lambda _: False))
    finally:
        source.close()


def found(rig: FilesRig) -> list[Any]:
    return connectors.check(rig.source, rig.connection(), "127.0.0.1")
