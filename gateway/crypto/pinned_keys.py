"""The platform's public keys, pinned (登记): ``<key id>.sig.pem`` and ``<key id>.enc.pem``, and how long each is valid.

Only a person's act adds one or takes one away: ``gw target pin``, ``gw target keys apply``. A signature key is believed
as long as it is pinned, since receipts outlive it; sealing takes the encryption key that is valid now.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from gateway.crypto.key_files import create_file, move_aside, read_public
from gateway.crypto.key_pairs import normal_pem
from gateway.crypto.key_store import ACTIVE, KeyEntry
from gateway.crypto.register import Register, Registered
from gateway.crypto.signers import Verifier, load_verifier
from gateway.crypto.wrappers import Wrapper, load_wrapper
from gateway.errors import Misconfigured

Use = Literal["sig", "enc"]
USES: tuple[Use, ...] = ("sig", "enc")
PLATFORM_SIGNATURE, PLATFORM_ENCRYPTION = "platform signature", "platform encryption"
REGISTER = "validity.json"
WITHDRAWN = "withdrawn"
Key = TypeVar("Key", Verifier, Wrapper)
_PINNED = re.compile(r"([0-9a-f]{16})\.(sig|enc)\.pem")
_WHAT: dict[Use, str] = {"sig": PLATFORM_SIGNATURE, "enc": PLATFORM_ENCRYPTION}


class Validity(NamedTuple):
    """From when to when a key is valid, aware; from the platform's own list."""

    not_before: datetime
    not_after: datetime


class PinnedKeys:
    """The folder ``path``, one PEM file a key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._register = Register(path / REGISTER)
        self._verifiers: dict[str, Verifier] = {}

    def pin(self, public: bytes, use: Use, validity: Validity | None = None) -> Path:
        """Keeps a public key (PEM or DER) for ``use``: its file. Pinning it again changes nothing but its validity."""
        key = load_verifier(public) if use == "sig" else load_wrapper(public)
        path = self.path / f"{key.key_id}.{use}.pem"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            create_file(path, normal_pem(public), secret=False)
        if validity is not None:
            with self._register.changing() as keys:
                keys[f"{key.key_id}.{use}"] = Registered(
                    key_id=f"{key.key_id}.{use}",
                    algorithm=key.algorithm,
                    state=ACTIVE,
                    stem=path.stem,
                    not_before=validity.not_before,
                    not_after=validity.not_after,
                )
        return path

    def withdraw(self, key_id: str, use: Use) -> None:
        """The key is believed no more; its file is kept aside, as evidence. May be repeated."""
        path = self._path(key_id, use)
        if path is not None:
            move_aside(path, self.path / WITHDRAWN)
        with self._register.changing() as keys:
            keys.pop(f"{key_id}.{use}", None)
        self._verifiers.pop(key_id, None)

    def verifier(self, key_id: str) -> Verifier | None:
        """The signature key of this id, if it is pinned."""
        known = self._verifiers.get(key_id)
        path = None if known else self._path(key_id, "sig")
        if path is not None:
            known = self._verifiers[key_id] = _same(load_verifier(read_public(path)), path)
        return known

    def wrapper(self, key_id: str) -> Wrapper:
        """The encryption key of this id; ``Misconfigured('crypto.key_missing')``."""
        path = self._path(key_id, "enc")
        if path is None:
            raise self._missing(key_id)
        return _same(load_wrapper(read_public(path)), path)

    def recipient(self, algorithm: str | None, now: datetime) -> Wrapper:
        """The encryption key to seal with: the only one of ``algorithm``, or of several the newest that is valid.

        Any valid one would be opened, so a tie stops nobody: of two that begin at once (the list knows seconds) it is
        the one valid longer, then the greater id; every process takes the same.

        ``Misconfigured``: ``crypto.key_missing``, or ``crypto.key_ambiguous`` where several are pinned and the
        platform's list, which would tell them apart, was never applied.
        """
        fitting = [
            entry
            for entry in self.entries()
            if entry.what == PLATFORM_ENCRYPTION and algorithm in (None, entry.algorithm)
        ]
        if not fitting:
            raise self._missing("*")
        if len(fitting) > 1:
            valid = [entry for entry in fitting if _valid(entry, now)]
            if not valid or any(entry.not_before is None for entry in fitting):
                raise Misconfigured("crypto.key_ambiguous", path=str(self.path))
            fitting = [max(valid, key=lambda entry: (entry.not_before, entry.not_after, entry.key_id))]
        return self.wrapper(fitting[0].key_id)

    def entries(self) -> tuple[KeyEntry, ...]:
        """Every pinned key, signature keys first."""
        validity = self._register.read()
        found = []
        for use in USES:
            for path in sorted(self.path.glob(f"*.{use}.pem")):
                if not _PINNED.fullmatch(path.name):
                    continue
                text = read_public(path)
                key: Verifier | Wrapper = (
                    _same(load_verifier(text), path) if use == "sig" else _same(load_wrapper(text), path)
                )
                known = validity.get(path.stem)
                between = (known.not_before, known.not_after) if known else (None, None)
                found.append(KeyEntry(_WHAT[use], key.key_id, key.algorithm, path, ACTIVE, *between))
        return tuple(found)

    def _path(self, key_id: str, use: Use) -> Path | None:
        path = self.path / f"{key_id}.{use}.pem"
        return path if _PINNED.fullmatch(path.name) and path.exists() else None

    def _missing(self, key_id: str) -> Misconfigured:
        command = "gw target keys fetch"
        return Misconfigured("crypto.key_missing", path=str(self.path / f"{key_id}.enc.pem"), command=command)


def _valid(entry: KeyEntry, now: datetime) -> bool:
    begun = entry.not_before is None or entry.not_before <= now
    return begun and (entry.not_after is None or now <= entry.not_after)


def _same(key: Key, path: Path) -> Key:
    """A pinned file must hold the key that its name says."""
    if not path.name.startswith(key.key_id + "."):
        raise Misconfigured("crypto.key_id_mismatch", path=str(path), key_id=key.key_id)
    return key
