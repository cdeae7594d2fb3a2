"""Who wraps a data key (数据密钥) for a receiver, and who unwraps it."""

from __future__ import annotations

from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gateway.crypto import sm2
from gateway.crypto.signers import international_key, spki_of
from gateway.errors import Misconfigured, Rejected

SM2 = "SM2"
RSA_OAEP_256 = "RSA-OAEP-256"
SHORTEST_RSA = 2048
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


class Wrapper(Protocol):
    """Encrypts data keys for the holder of one key."""

    @property
    def key_id(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    def wrap(self, data_key: bytes) -> bytes: ...


class Unwrapper(Protocol):
    """Decrypts data keys with one key; ``Rejected('crypto.damaged')`` when it can't."""

    @property
    def key_id(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    def unwrap(self, wrapped: bytes) -> bytes: ...


class Sm2Wrapper:
    """SM2 encryption, ASN.1 form of GM/T 0009."""

    algorithm = SM2

    def __init__(self, key: sm2.PublicKey) -> None:
        self._key = key
        self.key_id = key.key_id

    def wrap(self, data_key: bytes) -> bytes:
        return sm2.encrypt(self._key, data_key)


class Sm2Unwrapper:
    """SM2 decryption, ASN.1 form of GM/T 0009."""

    algorithm = SM2

    def __init__(self, key: sm2.PrivateKey) -> None:
        self._key = key
        self.key_id = key.key_id

    def unwrap(self, wrapped: bytes) -> bytes:
        return sm2.decrypt(self._key, wrapped)


class RsaWrapper:
    """RSA-OAEP with SHA-256 for hash and MGF1, empty label."""

    algorithm = RSA_OAEP_256

    def __init__(self, key: rsa.RSAPublicKey) -> None:
        self._key = key
        self.key_id = sm2.key_id(spki_of(key))

    def wrap(self, data_key: bytes) -> bytes:
        return self._key.encrypt(data_key, _OAEP)


class RsaUnwrapper:
    """RSA-OAEP with SHA-256 for hash and MGF1, empty label."""

    algorithm = RSA_OAEP_256

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        self.key_id = sm2.key_id(spki_of(key.public_key()))

    def unwrap(self, wrapped: bytes) -> bytes:
        try:
            return self._key.decrypt(wrapped, _OAEP)
        except ValueError:
            raise Rejected("crypto.damaged") from None


def load_wrapper(pem_or_der: bytes) -> Wrapper:
    """The wrapper for a public key of SM2 or RSA (2048 bits up); else ``Misconfigured('crypto.key_unreadable')``."""
    key = international_key(pem_or_der)
    if key is None:
        return Sm2Wrapper(sm2.load_public(pem_or_der))
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= SHORTEST_RSA:
        return RsaWrapper(key)
    raise Misconfigured("crypto.key_unreadable")
