"""Key files of SM2, read and written without libcrypto: SubjectPublicKeyInfo, PKCS#8, encrypted PKCS#8, SEC1."""

from __future__ import annotations

import base64
import binascii
import os
import re
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7

from gateway.crypto import der
from gateway.crypto.ciphers import SM4_KEY, sm4_cbc_encrypt
from gateway.crypto.sm2_keys import PBKDF2_ROUNDS, armour

MOST_ROUNDS = 10_000_000
PLAIN, SEALED, SEC1, PUBLIC = "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY"
_PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----\s+([A-Za-z0-9+/=\s]+)-----END \1-----")
_NULL = b"\x05\x00"
_CURVE = bytes.fromhex("06082a811ccf5501822d")
_EC_KEY = bytes.fromhex("06072a8648ce3d0201")
_ALGORITHM = der.encode(der.SEQUENCE, _EC_KEY, _CURVE)
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
_SM4_CBC = bytes.fromhex("06082a811ccf55016802")
_HMAC_SHA256 = bytes.fromhex("06082a864886f70d0209")
_HMAC_SM3 = bytes.fromhex("06092a811ccf5501831102")
_HASHES: dict[bytes, type[hashes.HashAlgorithm]] = {_HMAC_SHA256: hashes.SHA256, _HMAC_SM3: hashes.SM3}


class Pair(NamedTuple):
    """Raw numbers: ``secret`` 32 bytes, ``point`` 64 bytes x‖y; None where the file leaves it out."""

    secret: bytes
    point: bytes | None


def read_pem(pem: bytes, *labels: str) -> tuple[str, bytes]:
    """Label and content of the first block of one of these labels; ``ValueError`` if there is none."""
    for label, text in _PEM.findall(pem):
        if label.decode() in labels:
            try:
                return label.decode(), base64.b64decode(b"".join(text.split()), validate=True)
            except binascii.Error as broken:
                raise ValueError("base64") from broken
    raise ValueError("no such block")


def spki_of(point: bytes) -> bytes:
    """SubjectPublicKeyInfo of ``point``, x‖y."""
    return der.encode(der.SEQUENCE, _ALGORITHM, der.encode(der.BITS, b"\0\x04", point))


def point_of(spki: bytes) -> bytes:
    """x‖y, 64 bytes; ``ValueError`` unless it is an uncompressed point of this curve."""
    if len(spki) < 64 or spki != spki_of(spki[-64:]):
        raise der.NotDer
    return spki[-64:]


def read_private(pem: bytes, passphrase: bytes | None) -> Pair:
    """The key pair of a PEM file; ``ValueError`` when it is none, or not under this passphrase."""
    label, content = read_pem(pem, PLAIN, SEALED, SEC1)
    if label == SEALED:
        if not passphrase:
            raise ValueError("a passphrase is needed")
        content = _opened(content, passphrase)
    if label == SEC1:
        return _pair(content, params_needed=True)
    version, algorithm, (tag, key), *_ = der.elements(content)
    if der.natural(*version) != 0 or der.encode(*algorithm) != _ALGORITHM or tag != der.OCTETS:
        raise der.NotDer
    return _pair(key, params_needed=False)


def write_private(pair: Pair, passphrase: bytes | None) -> bytes:
    """PKCS#8 as PEM; with a passphrase PBES2: SM4-CBC under PBKDF2 with HMAC-SHA256 of 600,000 rounds."""
    point = b"" if pair.point is None else der.encode(0xA1, der.encode(der.BITS, b"\0\x04", pair.point))
    key = der.encode(der.SEQUENCE, b"\x02\x01\x01", der.encode(der.OCTETS, pair.secret), point)
    info = der.encode(der.SEQUENCE, b"\x02\x01\x00", _ALGORITHM, der.encode(der.OCTETS, key))
    return armour(PLAIN, info) if passphrase is None else armour(SEALED, _sealed(info, passphrase))


def _pair(content: bytes, *, params_needed: bool) -> Pair:
    version, (tag, secret), *others = der.elements(content)
    more = dict(others)
    if der.natural(*version) != 1 or tag != der.OCTETS or len(secret) != 32 or more.get(0xA0, _CURVE) != _CURVE:
        raise der.NotDer
    if params_needed and 0xA0 not in more:
        raise der.NotDer
    if 0xA1 not in more:
        return Pair(secret, None)
    bits, point = der.whole(more[0xA1])
    if bits != der.BITS or len(point) != 66 or point[:2] != b"\0\x04":
        raise der.NotDer
    return Pair(secret, point[2:])


def _sealed(info: bytes, passphrase: bytes) -> bytes:
    salt, iv = os.urandom(16), os.urandom(16)
    rounds = der.encode(der.INTEGER, PBKDF2_ROUNDS.to_bytes(3))
    prf = der.encode(der.SEQUENCE, _HMAC_SHA256, _NULL)
    stretch = der.encode(der.SEQUENCE, der.encode(der.OCTETS, salt), rounds, prf)
    cipher = der.encode(der.SEQUENCE, _SM4_CBC, der.encode(der.OCTETS, iv))
    scheme = der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, _PBKDF2, stretch), cipher)
    key = PBKDF2HMAC(hashes.SHA256(), SM4_KEY, salt, PBKDF2_ROUNDS).derive(passphrase)
    text = sm4_cbc_encrypt(key, iv, info)
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, _PBES2, scheme), der.encode(der.OCTETS, text))


def _opened(content: bytes, passphrase: bytes) -> bytes:
    algorithm, (_, text) = der.elements(content)
    pbes2, scheme = der.elements(der.encode(*algorithm))
    stretching, cipher = der.elements(der.encode(*scheme))
    pbkdf2, parameters = der.elements(der.encode(*stretching))
    sm4, (_, iv) = der.elements(der.encode(*cipher))
    if (der.encode(*pbes2), der.encode(*pbkdf2), der.encode(*sm4)) != (_PBES2, _PBKDF2, _SM4_CBC) or len(iv) != 16:
        raise der.NotDer
    (_, salt), rounds, *others = der.elements(der.encode(*parameters))
    prf = der.elements(der.encode(*others[-1]))[0] if others else (0, b"")
    digest = _HASHES.get(der.encode(*prf))
    if digest is None or der.natural(*rounds) > MOST_ROUNDS:
        raise der.NotDer
    key = PBKDF2HMAC(digest(), SM4_KEY, salt, der.natural(*rounds)).derive(passphrase)
    context, unpadder = Cipher(algorithms.SM4(key), modes.CBC(iv)).decryptor(), PKCS7(128).unpadder()
    padded = context.update(text) + context.finalize()
    return unpadder.update(padded) + unpadder.finalize()
