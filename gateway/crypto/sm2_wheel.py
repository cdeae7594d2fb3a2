"""SM2 over the optional wheel ``gmssl-pyx``, where the system has no libcrypto of OpenSSL 3.0 or later.

The wheel knows raw numbers only; key files are read here. It can't compute a public key from a private one, so that
a private key must come with its other half, as OpenSSL writes it. Its face is :mod:`gateway.crypto.sm2`.
"""

from __future__ import annotations

import gmssl_pyx

from gateway.crypto import sm2_files, sm2_keys
from gateway.crypto.sm2_files import Pair
from gateway.crypto.sm2_keys import SIGNER_ID
from gateway.errors import Bug, Misconfigured

NAME = "gmssl_pyx"
LARGEST_PLAIN = 255


class _Point(sm2_keys.PublicKey):
    """A point of the curve."""

    def __init__(self, point: bytes) -> None:
        """``point``: x‖y, 64 bytes."""
        self._point: bytes = gmssl_pyx.normalize_sm2_public_key(point)
        self.spki = sm2_files.spki_of(self._point)

    def verify(self, message: bytes, signature: bytes) -> bool:
        return bool(gmssl_pyx.sm2_verify(self._point, message, signature, SIGNER_ID))

    def encrypt(self, plain: bytes) -> bytes:
        if not 1 <= len(plain) <= LARGEST_PLAIN:
            raise Bug("crypto.libcrypto_failed")
        return bytes(gmssl_pyx.sm2_encrypt(self._point, plain))


class PublicKey(_Point):
    pass


class PrivateKey(_Point, sm2_keys.PrivateKey):
    def __init__(self, secret: bytes, point: bytes) -> None:
        super().__init__(point)
        self._secret = secret

    @property
    def public(self) -> PublicKey:
        return PublicKey(self._point)

    def to_pem(self, passphrase: bytes | None) -> bytes:
        return sm2_files.write_private(Pair(self._secret, self._point), passphrase)

    def sign(self, message: bytes) -> bytes:
        return bytes(gmssl_pyx.sm2_sign(self._secret, self._point, message, SIGNER_ID))

    def decrypt(self, cipher: bytes) -> bytes | None:
        try:
            return bytes(gmssl_pyx.sm2_decrypt(self._secret, cipher))
        except gmssl_pyx.GmsslInnerError:
            return None


def generate() -> PrivateKey:
    point, secret = gmssl_pyx.sm2_key_generate()
    return PrivateKey(secret, point)


def load_private(pem: bytes, passphrase: bytes | None) -> PrivateKey:
    try:
        pair = sm2_files.read_private(pem, passphrase)
        key = None if pair.point is None else PrivateKey(pair.secret, pair.point)
        fits = key is not None and key.verify(b"fits", key.sign(b"fits"))
    except (ValueError, gmssl_pyx.GmsslInnerError) as broken:
        raise Misconfigured("crypto.key_unreadable") from broken
    if key is None or not fits:
        raise Misconfigured("crypto.key_unreadable")
    return key


def load_public(pem_or_der: bytes) -> PublicKey:
    try:
        if pem_or_der.lstrip().startswith(b"-----BEGIN"):
            _, pem_or_der = sm2_files.read_pem(pem_or_der, sm2_files.PUBLIC)
        return PublicKey(sm2_files.point_of(pem_or_der))
    except (ValueError, gmssl_pyx.GmsslInnerError) as broken:
        raise Misconfigured("crypto.key_unreadable") from broken
