"""The folder of the archive: files made whole or not at all, one writer at a time, and public keys to verify with."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gateway.crypto.signers import Verifier, load_verifier
from gateway.errors import GatewayError, Misconfigured

CONTENT, SEAL = ".jsonl", ".seal.json"
KEYS = "keys"
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)\.(jsonl|seal\.json)")


def content_path(folder: Path, day: str) -> Path:
    return folder / f"{day}{CONTENT}"


def seal_path(folder: Path, day: str) -> Path:
    return folder / f"{day}{SEAL}"


def days_in(folder: Path) -> list[str]:
    """Days of which any file is there, oldest first."""
    names = (_DAY.fullmatch(path.name) for path in folder.iterdir()) if folder.is_dir() else ()
    return sorted({found.group(1) for found in names if found})


def sealed_days(folder: Path) -> list[str]:
    """Days whose seal is there, oldest first; content without a seal is a killed run's and not yet evidence."""
    return [day for day in days_in(folder) if seal_path(folder, day).exists()]


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Hold the folder; who comes second waits."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """``path``, in place only once it is complete and durable; readable by its owner alone."""
    draft = path.with_name(f".{path.name}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class PublicKeyFolder:
    """Every public signature key in a folder and below it, by id; private and encryption keys are left alone."""

    def __init__(self, folder: Path) -> None:
        self._keys: dict[str, Verifier] = {}
        for path in sorted(folder.rglob("*.pem")):
            if path.name.endswith((".key.pem", ".enc.pem")):
                continue
            key = load_public(path)
            if key is not None:
                self._keys[key.key_id] = key
        if not self._keys:
            raise Misconfigured("evidence.no_keys", folder=str(folder))

    def verifier(self, key_id: str) -> Verifier | None:
        return self._keys.get(key_id)


def load_public(path: Path) -> Verifier | None:
    """The key in ``path``; none when it holds no public signature key."""
    try:
        return load_verifier(path.read_bytes())
    except GatewayError:
        return None
