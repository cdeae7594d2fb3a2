"""A folder where files are dropped: the few operations that the connector needs, here or over SFTP."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Entry:
    """One file as listed. ``changed``: whole seconds of its modification time."""

    name: str
    size: int
    changed: int


class Folder(Protocol):
    """Paths are absolute. Raises ``Transient`` and ``Misconfigured`` only."""

    def entries(self, folder: str) -> list[Entry]: ...

    def stat(self, path: str) -> Entry | None: ...

    def read(self, path: str) -> bytes | None:
        """The content, ``None`` if the file has gone."""
        ...

    def move(self, path: str, target: str) -> None:
        """Never over an existing file; a path that has gone is no error."""
        ...

    def close(self) -> None: ...


class LocalFolder:
    """Files of this machine."""

    def entries(self, folder: str) -> list[Entry]:
        try:
            with os.scandir(folder) as found:
                return [_entry(file.name, file.stat()) for file in found if file.is_file(follow_symlinks=False)]
        except OSError as missing:
            raise Misconfigured("sftp.folder", folder=folder, reason=type(missing).__name__) from missing

    def stat(self, path: str) -> Entry | None:
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return None
        return _entry(Path(path).name, found) if stat.S_ISREG(found.st_mode) else None

    def read(self, path: str) -> bytes | None:
        try:
            return Path(path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as refused:
            raise Misconfigured("sftp.refused", action="read", reason=type(refused).__name__) from refused

    def move(self, path: str, target: str) -> None:
        try:
            os.link(path, target)
            Path(path).unlink()
        except FileNotFoundError:
            if not Path(target).parent.is_dir():
                raise Misconfigured("sftp.folder", folder=str(Path(target).parent), reason="missing") from None
        except OSError as refused:
            raise Misconfigured("sftp.refused", action="move", reason=type(refused).__name__) from refused

    def close(self) -> None:
        pass


def _entry(name: str, found: os.stat_result) -> Entry:
    return Entry(name, found.st_size, int(found.st_mtime))
