"""A register (登记簿) of key files: their states and validity, one JSON file, replaced as a whole or not at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from gateway.crypto.key_files import replace_file
from gateway.errors import Misconfigured


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """One key. ``stem``: what its files' names begin with. Times are aware."""

    key_id: str
    algorithm: str
    state: str
    stem: str
    not_before: datetime
    not_after: datetime | None = None


class Register:
    """The file at ``path``; one that is not there is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Registered]:
        """By key id, oldest first; ``Misconfigured('crypto.key_unreadable')`` when it can't be read."""
        try:
            found = msgspec.json.decode(self.path.read_bytes(), type=list[Registered])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as broken:
            raise Misconfigured("crypto.key_unreadable", path=str(self.path)) from broken
        return {key.key_id: key for key in found}

    def write(self, keys: dict[str, Registered]) -> None:
        """All of ``keys`` at once, durable."""
        ordered = sorted(keys.values(), key=lambda key: (key.not_before, key.key_id))
        replace_file(self.path, msgspec.json.format(msgspec.json.encode(ordered)) + b"\n")

    @contextmanager
    def changing(self) -> Iterator[dict[str, Registered]]:
        """The keys, to be changed by one process at a time; written when the block ends well."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            keys = self.read()
            before = dict(keys)
            yield keys
            if keys != before:
                self.write(keys)
        finally:
            os.close(descriptor)
