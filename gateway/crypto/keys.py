"""The key folder (密钥目录): our signature key, the key-encryption key, and the platform's keys pinned by id.

    signature.key.pem      our SM2 key pair, PKCS#8, mode 0600; encrypted when a passphrase is given
    signature.pub.pem      what the platform registers
    kek.key                the key-encryption key, mode 0600; encrypted when a passphrase is given
    kek.next.key           its successor, only while it is being changed
    kek-<id>.retired.key   a former one, for backups that were made under it; remove it with the last of them
    platform/<key id>.sig.pem, platform/<key id>.enc.pem

Files are made whole or not at all, and never overwritten.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

from gateway.crypto import sm2
from gateway.crypto.kek import Kek, new_kek, read_kek, write_kek
from gateway.crypto.key_files import create_file, move_secret, read_public, read_secret
from gateway.crypto.signers import Signer, Sm2Signer, Verifier, international_key, load_verifier, pem_of
from gateway.crypto.wrappers import Wrapper, load_wrapper
from gateway.errors import Misconfigured

Use = Literal["sig", "enc"]
Passphrase = Callable[[], bytes]
SIGNATURE_KEY = "signature.key.pem"
SIGNATURE_PUBLIC = "signature.pub.pem"
KEK, NEXT_KEK = "kek.key", "kek.next.key"
PLATFORM = "platform"
Key = TypeVar("Key", Verifier, Wrapper)
_PINNED = re.compile(r"([0-9a-f]{16})\.(sig|enc)\.pem")


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key of the folder, for lists. ``what``: signature, kek, platform signature or platform encryption."""

    what: str
    key_id: str
    algorithm: str
    path: Path


class KeyFolder:
    """The keys below ``path``. ``passphrase`` is asked when a secret is read or made, once each."""

    def __init__(self, path: Path, passphrase: Passphrase | None = None) -> None:
        self.path = path
        self._passphrase = passphrase
        self._verifiers: dict[str, Verifier] = {}

    def new(self) -> tuple[Path, ...]:
        """Makes what is missing of our own keys and returns the files made. Killed halfway, it is simply run again."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.path / PLATFORM).mkdir(exist_ok=True, mode=0o700)
        made = []
        if not (self.path / SIGNATURE_KEY).exists():
            made.append(create_file(self.path / SIGNATURE_KEY, sm2.generate().to_pem(self._asked()), secret=True))
        if not (self.path / SIGNATURE_PUBLIC).exists():
            made.append(create_file(self.path / SIGNATURE_PUBLIC, self.signer_public.pem, secret=False))
        if not (self.path / KEK).exists():
            made.append(create_file(self.path / KEK, write_kek(new_kek(), self._asked()), secret=True))
        return tuple(made)

    @cached_property
    def signer(self) -> Signer:
        """Our signature key; ``Misconfigured('crypto.key_missing')`` where there is none."""
        return Sm2Signer(self._signature)

    @property
    def signer_public(self) -> sm2.PublicKey:
        """What the platform registers of our signature key."""
        return self._signature.public

    @cached_property
    def kek(self) -> Kek:
        """The key-encryption key; ``Misconfigured('crypto.key_missing')`` where there is none."""
        return self._kek(KEK)

    def kek_for(self, kek_id: str) -> Kek:
        """The key of this id, current or next; the current one where neither has it, so that its use tells.

        A change of keys that was cut short leaves both files, and one that ends just now moves one over the other.
        """
        for name in (KEK, NEXT_KEK, KEK):
            if (self.path / name).exists() and (found := self._kek(name)).kek_id == kek_id:
                return found
        return self._kek(KEK)

    def next_kek(self) -> Kek:
        """The successor, made where there is none yet."""
        if not (self.path / NEXT_KEK).exists():
            create_file(self.path / NEXT_KEK, write_kek(new_kek(), self._asked()), secret=True)
        return self._kek(NEXT_KEK)

    def succeed_kek(self) -> None:
        """Let the successor take its place, and keep the former one aside. May be repeated after a kill."""
        if (self.path / NEXT_KEK).exists():
            aside = self.path / f"kek-{self._kek(KEK).kek_id}.retired.key"
            move_secret(self.path / NEXT_KEK, self.path / KEK, aside)
        self.__dict__.pop("kek", None)

    def pin(self, public: bytes, use: Use) -> Path:
        """Keeps a public key of the platform (PEM or DER) for ``use``: its file. Pinning it again changes nothing."""
        key_id = (load_verifier(public) if use == "sig" else load_wrapper(public)).key_id
        path = self.path / PLATFORM / f"{key_id}.{use}.pem"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path if path.exists() else create_file(path, _pem(public), secret=False)

    def verifier(self, key_id: str) -> Verifier | None:
        """The platform's signature key of this id, if it is pinned."""
        known = self._verifiers.get(key_id)
        path = None if known else self._pinned_path(key_id, "sig")
        if path is not None:
            known = self._verifiers[key_id] = _same(load_verifier(read_public(path)), path)
        return known

    def wrapper(self, key_id: str = "") -> Wrapper:
        """The platform's encryption key of this id; without one the only one pinned.

        ``Misconfigured``: ``crypto.key_missing``, or ``crypto.key_ambiguous`` where several are pinned.
        """
        if key_id:
            path = self._pinned_path(key_id, "enc")
            paths: tuple[Path, ...] = (path,) if path else ()
        else:
            paths = self._pinned("enc")
        if not paths:
            missing = self.path / PLATFORM / f"{key_id or '*'}.enc.pem"
            raise Misconfigured("crypto.key_missing", path=str(missing), command="gw init")
        if len(paths) > 1:
            raise Misconfigured("crypto.key_ambiguous", path=str(self.path / PLATFORM))
        return _same(load_wrapper(read_public(paths[0])), paths[0])

    def list(self) -> tuple[KeyEntry, ...]:
        """Every key that is there, our own first."""
        found = []
        if (self.path / SIGNATURE_KEY).exists():
            found.append(KeyEntry("signature", self.signer.key_id, self.signer.algorithm, self.path / SIGNATURE_KEY))
        if (self.path / KEK).exists():
            found.append(KeyEntry("kek", self.kek.kek_id, "SGD_SM4_GCM", self.path / KEK))
        for path in self._pinned("sig"):
            verifier = _same(load_verifier(read_public(path)), path)
            found.append(KeyEntry("platform signature", verifier.key_id, verifier.algorithm, path))
        for path in self._pinned("enc"):
            wrapper = _same(load_wrapper(read_public(path)), path)
            found.append(KeyEntry("platform encryption", wrapper.key_id, wrapper.algorithm, path))
        return tuple(found)

    def _kek(self, name: str) -> Kek:
        path = self.path / name
        return read_kek(read_secret(path), self._asked(), path)

    @cached_property
    def _signature(self) -> sm2.PrivateKey:
        path = self.path / SIGNATURE_KEY
        try:
            return sm2.load_private(read_secret(path), self._asked())
        except Misconfigured as unreadable:
            raise Misconfigured(unreadable.code, **{"path": str(path), **unreadable.params}) from unreadable

    def _asked(self) -> bytes | None:
        return self._passphrase() if self._passphrase else None

    def _pinned_path(self, key_id: str, use: Use) -> Path | None:
        path = self.path / PLATFORM / f"{key_id}.{use}.pem"
        return path if _PINNED.fullmatch(path.name) and path.exists() else None

    def _pinned(self, use: Use) -> tuple[Path, ...]:
        found = (self.path / PLATFORM).glob(f"*.{use}.pem")
        return tuple(sorted(path for path in found if _PINNED.fullmatch(path.name)))


def _same(key: Key, path: Path) -> Key:
    """A pinned file must hold the key that its name says."""
    if not path.name.startswith(key.key_id + "."):
        raise Misconfigured("crypto.key_id_mismatch", path=str(path), key_id=key.key_id)
    return key


def _pem(public: bytes) -> bytes:
    key = international_key(public)
    return sm2.load_public(public).pem if key is None else pem_of(key)
