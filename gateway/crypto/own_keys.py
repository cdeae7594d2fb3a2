"""Our own keys as files: the key store (密钥库) of a deployment without an HSM.

    signature.key.pem      our first SM2 key pair, PKCS#8, mode 0600; encrypted when a passphrase is given
    signature.pub.pem      what the platform registers
    <what>-<key id>.key.pem, .pub.pem   later pairs; what: signature or encryption
    own-keys.json          which of them is pending, active, retiring, and how long each is valid
    kek.key                the key-encryption key, mode 0600; encrypted when a passphrase is given
    kek.next.key           its successor, only while it is being changed
    kek-<id>.retired.key   a former one, for backups that were made under it; remove it with the last of them

Files are made whole or not at all, and keys are never overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec

from gateway.crypto import sm2
from gateway.crypto.kek import Kek, new_kek, read_kek, write_kek
from gateway.crypto.key_files import create_file, move_secret, read_public, read_secret
from gateway.crypto.key_pairs import KINDS, load_pair, private_pem, public_pem
from gateway.crypto.key_store import (
    ACTIVE,
    KEY_ENCRYPTION,
    LIFETIME,
    PENDING,
    RETIRING,
    SIGNATURE,
    WHAT,
    KeyEntry,
)
from gateway.crypto.register import Register, Registered
from gateway.crypto.signers import SM3_SM2, Signer
from gateway.crypto.wrappers import Unwrapper
from gateway.errors import Misconfigured, Rejected

Passphrase = Callable[[], bytes]
SIGNATURE_KEY = "signature.key.pem"
SIGNATURE_PUBLIC = "signature.pub.pem"
KEK, NEXT_KEK = "kek.key", "kek.next.key"
REGISTER = "own-keys.json"


class OwnKeyFiles:
    """A :class:`~gateway.crypto.key_store.KeyStore` below ``path``; ``passphrase`` is asked once a secret is needed."""

    def __init__(self, path: Path, passphrase: Passphrase | None = None) -> None:
        self.path = path
        self._passphrase = passphrase
        self._register = Register(path / REGISTER)
        self._loaded: dict[str, Any] = {}
        self._keks: dict[bytes, Kek] = {}

    def prepare(self, now: datetime) -> tuple[Path, ...]:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = []
        if not self._file(SIGNATURE, secret=True).exists() and not self._register.read():
            made.append(create_file(self.path / SIGNATURE_KEY, private_pem(sm2.generate(), self._asked()), secret=True))
        first = self.path / SIGNATURE_KEY
        if first.exists() and not (self.path / SIGNATURE_PUBLIC).exists():
            key = self._pair(SM3_SM2, SIGNATURE)
            made.append(create_file(self.path / SIGNATURE_PUBLIC, public_pem(key), secret=False))
        with self._register.changing() as keys:
            if not keys:
                keys.update(self._unregistered())
                made.append(self._register.path)
        if not (self.path / KEK).exists():
            made.append(create_file(self.path / KEK, write_kek(new_kek(), self._asked()), secret=True))
        return tuple(made)

    def health(self) -> None:
        for key in self._keys().values():
            self._pair(key.algorithm, key.stem)
        self.kek()

    def entries(self) -> tuple[KeyEntry, ...]:
        found = [self._entry(key) for key in self._keys().values()]
        if (self.path / KEK).exists():
            made = datetime.fromtimestamp((self.path / KEK).stat().st_mtime, UTC)
            found.append(KeyEntry(KEY_ENCRYPTION, self.kek().kek_id, "SGD_SM4_GCM", self.path / KEK, not_before=made))
        return tuple(found)

    def make(self, algorithm: str, now: datetime, not_after: datetime) -> KeyEntry:
        key = KINDS[algorithm].generate()
        public = public_pem(key)
        key_id = str(KINDS[algorithm].use(key).key_id)
        stem = f"{WHAT[algorithm]}-{key_id}"
        with self._changing() as keys:
            create_file(self._file(stem, secret=True), private_pem(key, self._asked()), secret=True)
            create_file(self._file(stem, secret=False), public, secret=False)
            keys[key_id] = Registered(
                key_id=key_id, algorithm=algorithm, state=PENDING, stem=stem, not_before=now, not_after=not_after
            )
        return self._entry(keys[key_id])

    def activate(self, key_id: str, now: datetime) -> KeyEntry:
        with self._changing() as keys:
            new = keys.get(key_id)
            if new is None:
                raise Rejected("keys.unknown", key_id=key_id)
            if new.state == RETIRING:
                raise Rejected("keys.not_pending", key_id=key_id, state=new.state)
            self._pair(new.algorithm, new.stem)
            for former in list(keys.values()):
                if former.algorithm == new.algorithm and former.state == ACTIVE and former.key_id != key_id:
                    keys[former.key_id] = msgspec.structs.replace(former, state=RETIRING)
            if new.state == PENDING:
                keys[key_id] = msgspec.structs.replace(new, state=ACTIVE, not_before=now)
        return self._entry(keys[key_id])

    def public(self, key_id: str) -> bytes:
        key = self._keys().get(key_id)
        if key is None:
            raise Rejected("keys.unknown", key_id=key_id)
        return read_public(self._file(key.stem, secret=False))

    def signer(self, algorithm: str) -> Signer:
        for key in self._keys().values():
            if key.algorithm == algorithm and key.state == ACTIVE:
                return cast("Signer", KINDS[algorithm].use(self._pair(algorithm, key.stem)))
        first = algorithm == SM3_SM2
        missing = self.path / (SIGNATURE_KEY if first else f"{SIGNATURE}-*.key.pem")
        raise Misconfigured("crypto.key_missing", path=str(missing), command="gw init" if first else "gw keys new")

    def unwrapper(self, key_id: str) -> Unwrapper:
        key = self._keys().get(key_id)
        if key is None or key.state == PENDING:
            missing = self.path / f"encryption-{key_id}.key.pem"
            raise Misconfigured("crypto.key_missing", path=str(missing), command="gw keys list")
        return cast("Unwrapper", KINDS[key.algorithm].use(self._pair(key.algorithm, key.stem)))

    def kek(self) -> Kek:
        return self._read_kek(KEK)

    def kek_for(self, kek_id: str) -> Kek:
        """A change that was cut short leaves both files; one that ends just now moves one over the other."""
        for name in (KEK, NEXT_KEK, KEK):
            if (self.path / name).exists() and (found := self._read_kek(name)).kek_id == kek_id:
                return found
        return self._read_kek(KEK)

    def next_kek(self) -> Kek:
        if not (self.path / NEXT_KEK).exists():
            create_file(self.path / NEXT_KEK, write_kek(new_kek(), self._asked()), secret=True)
        return self._read_kek(NEXT_KEK)

    def succeed_kek(self) -> None:
        if (self.path / NEXT_KEK).exists():
            aside = self.path / f"kek-{self._read_kek(KEK).kek_id}.retired.key"
            move_secret(self.path / NEXT_KEK, self.path / KEK, aside)

    def _keys(self) -> dict[str, Registered]:
        return self._register.read() or self._unregistered()

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Registered]]:
        """The register's keys, the first one among them even where it was never written down."""
        with self._register.changing() as keys:
            if not keys:
                keys.update(self._unregistered())
            yield keys

    def _unregistered(self) -> dict[str, Registered]:
        """The first key pair of a folder that has no register yet; it counts from when its file was made."""
        path = self.path / SIGNATURE_KEY
        if not path.exists():
            return {}
        made = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
        key_id = self._pair(SM3_SM2, SIGNATURE).key_id
        return {
            key_id: Registered(
                key_id=key_id,
                algorithm=SM3_SM2,
                state=ACTIVE,
                stem=SIGNATURE,
                not_before=made,
                not_after=made + LIFETIME,
            )
        }

    def _entry(self, key: Registered) -> KeyEntry:
        path = self._file(key.stem, secret=True)
        return KeyEntry(WHAT[key.algorithm], key.key_id, key.algorithm, path, key.state, key.not_before, key.not_after)

    def _pair(self, algorithm: str, stem: str) -> Any:
        """The private key, read once."""
        if stem not in self._loaded:
            path = self._file(stem, secret=True)
            try:
                self._loaded[stem] = load_pair(algorithm, read_secret(path), self._asked())
            except Misconfigured as unreadable:
                raise Misconfigured(unreadable.code, **{"path": str(path), **unreadable.params}) from unreadable
        return self._loaded[stem]

    def _read_kek(self, name: str) -> Kek:
        """Stretching a passphrase takes a second: the same text is read once."""
        path = self.path / name
        text = read_secret(path)
        if text not in self._keks:
            self._keks[text] = read_kek(text, self._asked(), path)
        return self._keks[text]

    def _file(self, stem: str, *, secret: bool) -> Path:
        return self.path / f"{stem}.{'key' if secret else 'pub'}.pem"

    def _asked(self) -> bytes | None:
        return self._passphrase() if self._passphrase else None
