"""SM2 (GB/T 32918, GM/T 0003): signature, public-key encryption and key files.

The system's libcrypto computes; where there is none of OpenSSL 3.0 or later, the optional wheel ``gmssl-pyx`` does, and
where that is not installed either, everything here raises ``Misconfigured('crypto.no_libcrypto')``. Signatures are DER
``SEQUENCE{r,s}`` with SM3 and the constant signer id; ciphertext is the ASN.1 form of GM/T 0009; both are refused in
any other encoding than the one that DER allows. A key id (密钥标识) is the first 16 hex characters of SM3 over the
SubjectPublicKeyInfo.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

from gateway.crypto import der, libcrypto
from gateway.crypto.sm2_keys import PBKDF2_ROUNDS, SIGNER_ID, N, PrivateKey, PublicKey, key_id
from gateway.errors import Misconfigured, Rejected

__all__ = [
    "PBKDF2_ROUNDS",
    "SIGNER_ID",
    "N",
    "PrivateKey",
    "PublicKey",
    "decrypt",
    "encrypt",
    "generate",
    "key_id",
    "load_private",
    "load_public",
    "provider",
    "sign",
    "verify",
]
WHEEL = "gmssl_pyx"


def provider() -> str:
    """Who computes: ``libcrypto`` or ``gmssl_pyx``; ``Misconfigured('crypto.no_libcrypto')`` where neither is."""
    return str(_provider(libcrypto.chosen()).NAME)


def generate() -> PrivateKey:
    """A new key pair."""
    made: PrivateKey = _provider(libcrypto.chosen()).generate()
    return made


def load_private(pem: bytes, passphrase: bytes | None = None) -> PrivateKey:
    """A private key from PEM: PKCS#8, encrypted PKCS#8 or SEC1.

    ``Misconfigured('crypto.key_unreadable')`` when it is no SM2 key or the passphrase is wrong or missing.
    """
    loaded: PrivateKey = _provider(libcrypto.chosen()).load_private(pem, passphrase)
    return loaded


def load_public(pem_or_der: bytes) -> PublicKey:
    """A public key from SubjectPublicKeyInfo, PEM or DER; else ``Misconfigured('crypto.key_unreadable')``."""
    loaded: PublicKey = _provider(libcrypto.chosen()).load_public(pem_or_der)
    return loaded


def sign(key: PrivateKey, message: bytes) -> bytes:
    """The DER signature of ``message`` (SM3 with the signer id)."""
    return key.sign(message)


def verify(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is the strict DER signature of ``message`` by ``key``."""
    return _is_signature(signature) and key.verify(message, signature)


def encrypt(key: PublicKey, plain: bytes) -> bytes:
    """``plain`` (1 to 255 bytes: a data key) encrypted for ``key``, DER of GM/T 0009."""
    return key.encrypt(plain)


def decrypt(key: PrivateKey, cipher: bytes) -> bytes:
    """The plaintext of DER ciphertext, or ``Rejected('crypto.damaged')``: C1 off the curve, C3 wrong, loose DER."""
    plain = key.decrypt(cipher) if _is_ciphertext(cipher) else None
    if plain is None:
        raise Rejected("crypto.damaged")
    return plain


@cache
def _provider(chosen: str) -> Any:
    """A library that an administrator named is used or refused, never passed over in silence."""
    try:
        libcrypto.library()
    except Misconfigured:
        if chosen or find_spec(WHEEL) is None:
            raise
        from gateway.crypto import sm2_wheel

        return sm2_wheel
    from gateway.crypto import sm2_libcrypto

    return sm2_libcrypto


def _is_signature(signature: bytes) -> bool:
    try:
        r, s = (der.natural(tag, content) for tag, content in der.elements(signature))
    except ValueError:
        return False
    return 1 <= r < N and 1 <= s < N and r + s != N


def _is_ciphertext(cipher: bytes) -> bool:
    try:
        x, y, (hash_tag, digest), (text_tag, text) = der.elements(cipher)
        der.natural(*x)
        der.natural(*y)
    except ValueError:
        return False
    return hash_tag == text_tag == der.OCTETS and len(digest) == 32 and bool(text)
