"""Who signs and who is believed: the faces that a software key, or one day an HSM (密码机), must show.

A private key never crosses these faces. ``algorithm`` is the name that headers and key lists carry.
"""

from __future__ import annotations

from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from gateway.crypto import sm2
from gateway.errors import Misconfigured

SM3_SM2 = "SGD_SM3_SM2"
ES256 = "ES256"
_ECDSA = ec.ECDSA(hashes.SHA256())


class Signer(Protocol):
    """Signs with one key."""

    @property
    def key_id(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    def sign(self, message: bytes) -> bytes:
        """The DER signature."""


class Verifier(Protocol):
    """Checks signatures of one key."""

    @property
    def key_id(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    def verify(self, message: bytes, signature: bytes) -> bool: ...


class Sm2Signer:
    """SM2 with SM3 and the constant signer id."""

    algorithm = SM3_SM2

    def __init__(self, key: sm2.PrivateKey) -> None:
        self._key = key
        self.key_id = key.key_id

    def sign(self, message: bytes) -> bytes:
        return sm2.sign(self._key, message)


class Sm2Verifier:
    """SM2 with SM3 and the constant signer id."""

    algorithm = SM3_SM2

    def __init__(self, key: sm2.PublicKey) -> None:
        self._key = key
        self.key_id = key.key_id

    def verify(self, message: bytes, signature: bytes) -> bool:
        return sm2.verify(self._key, message, signature)


class Es256Signer:
    """ECDSA on P-256 with SHA-256."""

    algorithm = ES256

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.key_id = sm2.key_id(spki_of(key.public_key()))

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message, _ECDSA)


class Es256Verifier:
    """ECDSA on P-256 with SHA-256."""

    algorithm = ES256

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        self._key = key
        self.key_id = sm2.key_id(spki_of(key))

    def verify(self, message: bytes, signature: bytes) -> bool:
        try:
            self._key.verify(signature, message, _ECDSA)
        except InvalidSignature:
            return False
        return True


def load_verifier(pem_or_der: bytes) -> Verifier:
    """The verifier for a public key of SM2 or P-256; else ``Misconfigured('crypto.key_unreadable')``."""
    key = international_key(pem_or_der)
    if key is None:
        return Sm2Verifier(sm2.load_public(pem_or_der))
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return Es256Verifier(key)
    raise Misconfigured("crypto.key_unreadable")


def international_key(pem_or_der: bytes) -> PublicKeyTypes | None:
    """What ``cryptography`` makes of a public key; none if it can't read it, as with SM2."""
    is_pem = pem_or_der.lstrip().startswith(b"-----BEGIN")
    load = serialization.load_pem_public_key if is_pem else serialization.load_der_public_key
    try:
        return load(pem_or_der)
    except (ValueError, UnsupportedAlgorithm):
        return None


def spki_of(key: PublicKeyTypes) -> bytes:
    """SubjectPublicKeyInfo DER: named curve, uncompressed point."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def pem_of(key: PublicKeyTypes) -> bytes:
    """SubjectPublicKeyInfo as PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def spki_bytes(pem_or_der: bytes) -> bytes:
    """SubjectPublicKeyInfo DER of a public key of whatever algorithm of ours."""
    key = international_key(pem_or_der)
    return sm2.load_public(pem_or_der).spki if key is None else spki_of(key)
