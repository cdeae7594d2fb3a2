"""Where our own secret keys are (密钥库): the face that key files show, and that an HSM adapter (密码机) can fill.

A private key never crosses it: what needs one is done by a :class:`~gateway.crypto.signers.Signer`, an
:class:`~gateway.crypto.wrappers.Unwrapper` or a :class:`KeyEncryption` that the store hands out. Keys of one algorithm
overlap: the new one is *pending* (待启用) while its public half is being registered, then *active* (使用中), and the
former one *retiring* (仅解密/验签).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from gateway.crypto.signers import ES256, SM3_SM2, Signer
from gateway.crypto.wrappers import RSA_OAEP_256, SM2, Unwrapper

PENDING, ACTIVE, RETIRING = "pending", "active", "retiring"
SIGNATURE, ENCRYPTION, KEY_ENCRYPTION = "signature", "encryption", "kek"
WHAT = {SM3_SM2: SIGNATURE, ES256: SIGNATURE, SM2: ENCRYPTION, RSA_OAEP_256: ENCRYPTION}
LIFETIME = timedelta(days=1095)


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key as lists show it; no key material. Times are aware; ``not_after`` is none where nobody set an end.

    ``what``: signature, encryption, kek, platform signature or platform encryption. ``path``: its file, if it has one.
    """

    what: str
    key_id: str
    algorithm: str
    path: Path | None = None
    state: str = ACTIVE
    not_before: datetime | None = None
    not_after: datetime | None = None


class KeyEncryption(Protocol):
    """The key-encryption key (密钥加密密钥, KEK): wraps data keys, each bound to ``aad``."""

    @property
    def kek_id(self) -> str: ...
    def wrap(self, data_key: bytes, aad: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """``Rejected('crypto.damaged')`` when it was not wrapped by this key, or under another ``aad``."""


class KeyStore(Protocol):
    """Our own keys. Raises ``Misconfigured``, ``crypto.key_missing`` above all; ``Transient`` when an HSM is away."""

    def prepare(self, now: datetime) -> Sequence[Path]:
        """Make what is missing of a signature key for SM2 and a KEK; the files made. May be repeated."""

    def health(self) -> None:
        """Whether it answers and can do its work."""

    def entries(self) -> Sequence[KeyEntry]:
        """Signature and encryption keys of every state, oldest first, then the KEK."""

    def make(self, algorithm: str, now: datetime, not_after: datetime) -> KeyEntry:
        """A new pending key pair."""

    def activate(self, key_id: str, now: datetime) -> KeyEntry:
        """The pending key becomes the active one of its algorithm, the former one retires. May be repeated."""

    def public(self, key_id: str) -> bytes:
        """The public half of a key pair, as PEM."""

    def signer(self, algorithm: str) -> Signer:
        """The active signature key of ``algorithm``."""

    def unwrapper(self, key_id: str) -> Unwrapper:
        """An encryption key of ours, active or retiring."""

    def kek(self) -> KeyEncryption:
        """The KEK in use."""

    def kek_for(self, kek_id: str) -> KeyEncryption:
        """The KEK of this id, in use or next; the one in use where neither has it, so that its use tells."""

    def next_kek(self) -> KeyEncryption:
        """The successor of the KEK, made where there is none yet."""

    def succeed_kek(self) -> None:
        """Let the successor take its place and keep the former one aside. May be repeated after a kill."""
