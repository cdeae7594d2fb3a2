"""Key files on disk: made whole or not at all, secrets readable by their owner alone."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import Misconfigured

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_file(path: Path, content: bytes, *, secret: bool) -> Path:
    """Makes ``path``, durable and complete; ``Misconfigured('crypto.key_exists')`` rather than overwrite one.

    A kill leaves at most a nameless draft beside it, never half a key.
    """
    with _draft(path, content, 0o600 if secret else 0o644) as draft:
        try:
            os.link(draft, path)
        except FileExistsError:
            raise Misconfigured("crypto.key_exists", path=str(path)) from None
    _sync_folder(path.parent)
    return path


def replace_file(path: Path, content: bytes) -> None:
    """Puts ``content`` in the place of ``path``, durable; a reader sees the one or the other, never half of either."""
    with _draft(path, content, 0o644) as draft:
        draft.replace(path)
    _sync_folder(path.parent)


def move_aside(path: Path, folder: Path) -> None:
    """Puts ``path`` into ``folder``, under the same name."""
    folder.mkdir(exist_ok=True, mode=0o700)
    path.replace(folder / path.name)
    _sync_folder(path.parent)


def move_secret(source: Path, path: Path, aside: Path) -> None:
    """Puts ``source`` in the place of ``path``, which stays at ``aside``; at every instant ``path`` is whole."""
    if not aside.exists():
        os.link(path, aside)
        _sync_folder(path.parent)
    source.replace(path)
    _sync_folder(path.parent)


def read_public(path: Path) -> bytes:
    """The content of ``path``, or ``Misconfigured('crypto.key_missing')``."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Misconfigured("crypto.key_missing", path=str(path), command="gw init") from None
    except OSError as refused:
        raise Misconfigured("crypto.key_unreadable", path=str(path)) from refused


def read_secret(path: Path) -> bytes:
    """As :func:`read_public`; ``Misconfigured('crypto.key_exposed')`` if anyone but the owner may touch the file."""
    content = read_public(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & _OTHERS:
        raise Misconfigured("crypto.key_exposed", path=str(path), mode=f"{mode:04o}")
    return content


@contextmanager
def _draft(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """``content``, durable, under a name of its own beside ``path``; what is left of it at the end goes."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
