"""A folder where files are dropped: the few operations that taking them needs, whatever the transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One file as listed. ``changed``: whole seconds of its modification time, by the folder's own clock."""

    name: str
    size: int
    changed: int


class Folder(Protocol):
    """Paths are absolute. Raises ``Transient`` and ``Misconfigured`` only."""

    def entries(self, folder: str) -> list[Entry]:
        """Regular files; no links, no folders. Raises ``Misconfigured('sftp.folder')``."""
        ...

    def stat(self, path: str) -> Entry | None: ...

    def read(self, path: str, most: int) -> bytes | None:
        """The content, broken off after ``most`` bytes; ``None`` if the file has gone.

        Raises ``Misconfigured('sftp.refused')`` when this account may not read it.
        """
        ...

    def move(self, path: str, target: str) -> None:
        """Never over an existing file; a path that has gone is no error."""
        ...

    def close(self) -> None: ...


def is_plain(name: str) -> bool:
    """A listed name that names a file of that very folder; a server may send anything."""
    return name not in {"", ".", ".."} and "/" not in name and "\0" not in name
