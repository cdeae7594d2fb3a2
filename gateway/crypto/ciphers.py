"""Symmetric ciphers (对称密码): SM4-GCM, SM4-CBC and AES-256-GCM, one call each.

``cryptography`` offers SM4-GCM only as a stream, whose ``update`` returns unverified plaintext: here nothing leaves
before the tag is checked. Sealed text is always ``ciphertext || tag``. Damage, a wrong key and a wrong AAD look the
same: ``Rejected('crypto.damaged')``.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

from gateway.errors import Rejected

BLOCK = 16
TAG = 16
NONCE = 12
SM4_KEY = 16
AES_KEY = 32


def sm4_gcm_seal(key: bytes, nonce: bytes, aad: bytes, plain: bytes) -> bytes:
    """SM4-GCM (RFC 8998): ``ciphertext || tag(16)``. Key 16 bytes, nonce 12 bytes, never twice under one key."""
    context = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    context.authenticate_additional_data(aad)
    return context.update(plain) + context.finalize() + context.tag


def sm4_gcm_open(key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
    """The plaintext of :func:`sm4_gcm_seal`, or ``Rejected('crypto.damaged')``."""
    if len(sealed) < TAG:
        raise Rejected("crypto.damaged")
    context = Cipher(algorithms.SM4(key), modes.GCM(nonce, sealed[-TAG:])).decryptor()
    context.authenticate_additional_data(aad)
    plain = context.update(sealed[:-TAG])
    try:
        return plain + context.finalize()
    except InvalidTag:
        raise Rejected("crypto.damaged") from None


def sm4_cbc_encrypt(key: bytes, iv: bytes, plain: bytes) -> bytes:
    """SM4-CBC with PKCS#7 padding. It protects nothing alone: its caller adds a MAC over the ciphertext."""
    padder = PKCS7(BLOCK * 8).padder()
    context = Cipher(algorithms.SM4(key), modes.CBC(iv)).encryptor()
    return context.update(padder.update(plain) + padder.finalize()) + context.finalize()


def sm4_cbc_decrypt(key: bytes, iv: bytes, cipher: bytes) -> bytes:
    """The inverse of :func:`sm4_cbc_encrypt`. Only for text whose MAC was checked, else it is a padding oracle."""
    context = Cipher(algorithms.SM4(key), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(BLOCK * 8).unpadder()
    try:
        padded = context.update(cipher) + context.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise Rejected("crypto.damaged") from None


def aes_gcm_seal(key: bytes, nonce: bytes, aad: bytes, plain: bytes) -> bytes:
    """AES-256-GCM: ``ciphertext || tag(16)``. Key 32 bytes, nonce 12 bytes, never twice under one key."""
    return AESGCM(key).encrypt(nonce, plain, aad)


def aes_gcm_open(key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
    """The plaintext of :func:`aes_gcm_seal`, or ``Rejected('crypto.damaged')``."""
    try:
        return AESGCM(key).decrypt(nonce, sealed, aad)
    except InvalidTag:
        raise Rejected("crypto.damaged") from None
