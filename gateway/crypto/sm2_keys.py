"""What an SM2 key is, whoever computes with it: the system's libcrypto or the wheel that stands in for it."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from typing import NoReturn

from gateway.crypto.digest import sm3_hex

SIGNER_ID = b"1234567812345678"
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123  # order of the curve sm2p256v1
PBKDF2_ROUNDS = 600_000


class PublicKey(ABC):
    """A public key. Equal to another with the same SubjectPublicKeyInfo."""

    spki: bytes

    @property
    def key_id(self) -> str:
        return key_id(self.spki)

    @property
    def pem(self) -> bytes:
        """SubjectPublicKeyInfo as PEM."""
        return armour("PUBLIC KEY", self.spki)

    @abstractmethod
    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature``, whose form was checked, is this key's."""

    @abstractmethod
    def encrypt(self, plain: bytes) -> bytes:
        """DER of GM/T 0009."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.spki == self.spki

    def __hash__(self) -> int:
        return hash(self.spki)

    def __repr__(self) -> str:
        return f"<SM2 {type(self).__name__} {self.key_id}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("SM2 keys stay in their process")


class PrivateKey(PublicKey):
    """A private key; ``public`` is its other half. Its ``repr`` shows the key id only."""

    @property
    @abstractmethod
    def public(self) -> PublicKey: ...

    @property
    def pem(self) -> bytes:
        """PKCS#8 as PEM, not encrypted."""
        return self.to_pem(None)

    @abstractmethod
    def to_pem(self, passphrase: bytes | None) -> bytes:
        """PKCS#8 as PEM; with a passphrase encrypted by SM4-CBC under PBKDF2 of 600,000 rounds."""

    @abstractmethod
    def sign(self, message: bytes) -> bytes:
        """DER, with SM3 and the signer id."""

    @abstractmethod
    def decrypt(self, cipher: bytes) -> bytes | None:
        """The plaintext of ``cipher``, whose form was checked; none if it is not for this key or was changed."""


def key_id(spki: bytes) -> str:
    """First 16 hex characters of SM3(SubjectPublicKeyInfo DER), of whatever algorithm."""
    return sm3_hex(spki)[:16]


def armour(label: str, content: bytes) -> bytes:
    """``content`` as PEM."""
    text = base64.b64encode(content).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()
