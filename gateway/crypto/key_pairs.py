"""Key pairs of every algorithm of ours, from a file and into one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.crypto import sm2
from gateway.crypto.signers import ES256, SM3_SM2, Es256Signer, Signer, Sm2Signer, international_key, pem_of
from gateway.crypto.wrappers import RSA_OAEP_256, SM2, RsaUnwrapper, Sm2Unwrapper, Unwrapper
from gateway.errors import Misconfigured

RSA_BITS = 3072


@dataclass(frozen=True, slots=True)
class Kind:
    """What an algorithm's key pair is. ``use`` gives the Signer or Unwrapper of a private key."""

    generate: Callable[[], Any]
    is_one: Callable[[Any], bool]
    use: Callable[[Any], Signer | Unwrapper]


def _is_sm2(key: Any) -> bool:
    return isinstance(key, sm2.PrivateKey)


KINDS: dict[str, Kind] = {
    SM3_SM2: Kind(sm2.generate, _is_sm2, Sm2Signer),
    SM2: Kind(sm2.generate, _is_sm2, Sm2Unwrapper),
    ES256: Kind(
        lambda: ec.generate_private_key(ec.SECP256R1()),
        lambda key: isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1),
        Es256Signer,
    ),
    RSA_OAEP_256: Kind(
        lambda: rsa.generate_private_key(65537, RSA_BITS), lambda key: isinstance(key, rsa.RSAPrivateKey), RsaUnwrapper
    ),
}


def private_pem(key: Any, passphrase: bytes | None) -> bytes:
    """PKCS#8; under a passphrase SM4-CBC for SM2, AES-256-CBC for the international algorithms."""
    if isinstance(key, sm2.PrivateKey):
        return key.to_pem(passphrase)
    cipher = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    pem: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher)
    return pem


def load_pair(algorithm: str, pem: bytes, passphrase: bytes | None) -> Any:
    """The private key of ``pem``; ``Misconfigured('crypto.key_unreadable')`` if it is none of ``algorithm``."""
    if algorithm in (SM3_SM2, SM2):
        return sm2.load_private(pem, passphrase)
    sealed = b"ENCRYPTED" in pem
    try:
        key = serialization.load_pem_private_key(pem, passphrase if sealed else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as unreadable:
        raise Misconfigured("crypto.key_unreadable") from unreadable
    if not KINDS[algorithm].is_one(key):
        raise Misconfigured("crypto.key_unreadable")
    return key


def public_pem(key: Any) -> bytes:
    """SubjectPublicKeyInfo of a private key's other half."""
    if isinstance(key, sm2.PrivateKey):
        return key.public.pem
    return pem_of(key.public_key())


def normal_pem(public: bytes) -> bytes:
    """A public key (PEM or DER, of whatever algorithm of ours) as PEM."""
    key = international_key(public)
    return sm2.load_public(public).pem if key is None else pem_of(key)
