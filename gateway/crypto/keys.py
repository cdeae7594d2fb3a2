"""The key folder (密钥目录): our own keys, in files or in an HSM (密码机), and the platform's, pinned by id.

What lies there is told by :mod:`gateway.crypto.own_keys`, and by :mod:`gateway.crypto.pinned_keys` for ``platform/``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from gateway.crypto.key_store import KeyEncryption, KeyEntry, KeyStore
from gateway.crypto.own_keys import KEK, NEXT_KEK, SIGNATURE_KEY, SIGNATURE_PUBLIC, OwnKeyFiles, Passphrase
from gateway.crypto.pinned_keys import USES, PinnedKeys, Use
from gateway.crypto.signers import SM3_SM2, Signer, Verifier
from gateway.crypto.wrappers import Wrapper

__all__ = [
    "KEK",
    "NEXT_KEK",
    "PLATFORM",
    "SIGNATURE_KEY",
    "SIGNATURE_PUBLIC",
    "USES",
    "KeyEntry",
    "KeyFolder",
    "Passphrase",
    "Use",
]
PLATFORM = "platform"


def _now() -> datetime:
    return datetime.now(UTC)


class KeyFolder:
    """The keys of a deployment. ``own``: where our own are, if not in files below ``path``."""

    def __init__(
        self,
        path: Path,
        passphrase: Passphrase | None = None,
        own: KeyStore | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.path = path
        self.own: KeyStore = own or OwnKeyFiles(path, passphrase)
        self.platform = PinnedKeys(path / PLATFORM)
        self._clock = clock

    def new(self) -> tuple[Path, ...]:
        """Makes what is missing of our own keys and returns the files made. Killed halfway, it is simply run again."""
        self.platform.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return tuple(self.own.prepare(self._clock()))

    @property
    def signer(self) -> Signer:
        """Our active SM2 signature key; ``Misconfigured('crypto.key_missing')`` where there is none."""
        return self.own.signer(SM3_SM2)

    def signer_for(self, algorithm: str) -> Signer:
        """Our active signature key of ``algorithm``."""
        return self.own.signer(algorithm)

    @property
    def kek(self) -> KeyEncryption:
        """The key-encryption key; ``Misconfigured('crypto.key_missing')`` where there is none."""
        return self.own.kek()

    def kek_for(self, kek_id: str) -> KeyEncryption:
        return self.own.kek_for(kek_id)

    def next_kek(self) -> KeyEncryption:
        return self.own.next_kek()

    def succeed_kek(self) -> None:
        self.own.succeed_kek()

    def pin(self, public: bytes, use: Use) -> Path:
        """Keeps a public key of the platform (PEM or DER) for ``use``: its file."""
        return self.platform.pin(public, use)

    def verifier(self, key_id: str) -> Verifier | None:
        """The platform's signature key of this id, if it is pinned."""
        return self.platform.verifier(key_id)

    def wrapper(self, key_id: str = "", algorithm: str | None = None) -> Wrapper:
        """The platform's encryption key of this id; without one the one to seal with, see :class:`PinnedKeys`."""
        return self.platform.wrapper(key_id) if key_id else self.platform.recipient(algorithm, self._clock())

    def list(self) -> tuple[KeyEntry, ...]:
        """Every key that is there, our own first."""
        return (*self.own.entries(), *self.platform.entries())
