"""The receivers' side of the ciphers, written from the interfaces and not from the gateway."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.crypto import sm2
from gateway.errors import GatewayError

Order = Literal["c1c3c2", "c1c2c3"]
POINT, HASH = 65, 32


class Unreadable(ValueError):
    """Not a ciphertext for us."""


def sm2_hex(key: sm2.PrivateKey, text: str, order: Order = "c1c3c2") -> bytes:
    """The plaintext of lower-case hex ``04‖C1‖C3‖C2`` (or the older order)."""
    if text != text.lower():
        raise Unreadable("hex must be lower case")
    try:
        raw = bytes.fromhex(text)
    except ValueError as broken:
        raise Unreadable("not hex") from broken
    if len(raw) <= POINT + HASH or raw[0] != 4:
        raise Unreadable("no point")
    x, y, rest = raw[1:33], raw[33:POINT], raw[POINT:]
    digest, cipher = (rest[:HASH], rest[HASH:]) if order == "c1c3c2" else (rest[-HASH:], rest[:-HASH])
    body = _integer(x) + _integer(y) + _tagged(0x04, digest) + _tagged(0x04, cipher)
    try:
        return sm2.decrypt(key, _tagged(0x30, body))
    except GatewayError as damaged:
        raise Unreadable("SM2 decryption failed") from damaged


def sm4_ecb(key: bytes, text: str) -> bytes:
    """The plaintext of Base64(SM4-ECB), its zero padding stripped; line breaks are not allowed."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as broken:
        raise Unreadable("not Base64 in one line") from broken
    if not raw or len(raw) % 16:
        raise Unreadable("not whole blocks")
    context = Cipher(algorithms.SM4(key), modes.ECB()).decryptor()  # noqa: S305 - the interface's scheme
    return (context.update(raw) + context.finalize()).rstrip(b"\0")


def _integer(raw: bytes) -> bytes:
    body = raw.lstrip(b"\0") or b"\0"
    return _tagged(0x02, b"\0" + body if body[0] & 0x80 else body)


def _tagged(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body
