"""Folders that files are carried from and to (摆渡目录): a file counts once its flag stands beside it, never half.

Out: ``<name>`` is written under another name, made durable and renamed; then its flag ``<name>.sm3`` (hex SM3 of the
bytes), the same way. The carrier takes what has a flag. In: the same, the other way round.
"""

from __future__ import annotations

import os
from pathlib import Path

from gateway.crypto.digest import sm3_hex
from gateway.errors import Misconfigured, Transient

FLAG, PART = ".sm3", ".part"
LARGEST = 64 * 1024 * 1024


def drop(folder: Path, name: str, content: bytes) -> None:
    """``content`` lies in ``folder`` as ``name``, flagged; repeating it changes nothing. May be killed anywhere.

    Raises ``Transient('ferry.unwritable')``: nothing counts before the flag is there.
    """
    flag = sm3_hex(content).encode() + b"\n"
    try:
        if _read(folder / name) != content:
            (folder / (name + FLAG)).unlink(missing_ok=True)
            _place(folder, name, content)
        if _read(folder / (name + FLAG)) != flag:
            _place(folder, name + FLAG, flag)
    except OSError as failed:
        raise Transient("ferry.unwritable", file=name, reason=type(failed).__name__) from failed


def arrived(folder: Path, name: str) -> bytes | None:
    """The bytes of ``name`` if it and its flag have arrived and agree; none while they have not.

    Raises ``Transient('ferry.damaged')`` when they disagree, ``Transient('ferry.unreadable')``.
    """
    try:
        flag, content = _read(folder / (name + FLAG)), _read(folder / name)
    except OSError as failed:
        raise Transient("ferry.unreadable", file=name, reason=type(failed).__name__) from failed
    if flag is None or content is None:
        return None
    if flag.strip().lower() != sm3_hex(content).encode():
        raise Transient("ferry.damaged", file=name)
    return content


def lies_in(folder: Path, name: str) -> bool:
    """Whether the flagged file still lies there: the carrier has not taken it."""
    return (folder / (name + FLAG)).exists()


def put_away(folder: Path, name: str, attic: Path) -> None:
    """Move ``name`` and its flag to ``attic``; the flag first, so that no half counts."""
    attic.mkdir(exist_ok=True)
    for each in (name + FLAG, name):
        if (folder / each).exists():
            (folder / each).replace(attic / each)


def usable(folder: Path, connection: str, name: str) -> Path:
    """``folder`` if it is one that we may write to, else ``Misconfigured('ferry.folder_unusable')``."""
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise Misconfigured("ferry.folder_unusable", connection=connection, name=f"extra.{name}")
    return folder


def _place(folder: Path, name: str, content: bytes) -> None:
    part = folder / f".{name}{PART}"
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / name)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
