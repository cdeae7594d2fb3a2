"""Bodies that come encrypted (加密报文): SM4 or SM2 over the whole body or over one text inside its envelope.

What is landed is the plaintext: the source's key may be long gone when a page must be read again, and the store has a
protection of its own. ECB, zero padding and the older order of SM2's parts exist here because sources use them, never
for anything that we make ourselves.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from pydantic import BaseModel, ConfigDict, Field

from gateway.crypto import ciphers, sm2
from gateway.errors import Misconfigured, Rejected

BLOCK = 16
NONCE = 12
COORDINATE = 32
HASH = 32


class CipherOptions(BaseModel):
    """How a body is encrypted. The key stands in the connection: ``extra.cipher_key``, for SM2 ``extra.sm2_key``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    algorithm: Literal["sm4_cbc", "sm4_ecb", "sm4_gcm", "sm2"]
    text: Literal["base64", "hex", "raw"] = Field("base64", description="how the ciphertext is written")
    iv: Literal["prefix", "extra"] = Field("prefix", description="before the ciphertext, or extra.cipher_iv")
    padding: Literal["pkcs7", "zero"] = "pkcs7"
    order: Literal["c1c3c2", "c1c2c3", "der"] = Field("c1c3c2", description="SM2: the parts of a ciphertext")
    prefixed: bool = Field(True, description="SM2: C1 begins with 04; some libraries leave it out")


class Opener:
    """Opens what one source has encrypted. Raises ``Misconfigured``: ``cipher.key``, ``cipher.damaged``."""

    def __init__(self, options: CipherOptions, extra: Mapping[str, Any]) -> None:
        self._options = options
        if options.algorithm == "sm2":
            self._private = sm2_key(extra)
        else:
            self._key = _bytes(extra, "cipher_key", BLOCK)
            length = NONCE if options.algorithm == "sm4_gcm" else BLOCK
            self._iv = _bytes(extra, "cipher_iv", length) if options.iv == "extra" else b""

    def open(self, sealed: bytes) -> bytes:
        try:
            cipher = self._ciphertext(sealed.strip() if self._options.text != "raw" else sealed)
            match self._options.algorithm:
                case "sm2":
                    return sm2.decrypt(self._private, in_der(cipher, self._options.order, self._options.prefixed))
                case "sm4_gcm":
                    nonce, cipher = self._split(cipher, NONCE)
                    return ciphers.sm4_gcm_open(self._key, nonce, b"", cipher)
                case "sm4_cbc":
                    iv, cipher = self._split(cipher, BLOCK)
                    return self._unpadded(modes.CBC(iv), cipher)
                case "sm4_ecb":
                    return self._unpadded(modes.ECB(), cipher)  # noqa: S305  # theirs, not ours
        except (ValueError, Rejected) as damaged:
            raise Misconfigured("cipher.damaged", algorithm=self._options.algorithm) from damaged

    def _ciphertext(self, sealed: bytes) -> bytes:
        if self._options.text == "hex":
            return bytes.fromhex(sealed.decode("ascii"))
        return base64.b64decode(b"".join(sealed.split()), validate=True) if self._options.text == "base64" else sealed

    def _split(self, cipher: bytes, length: int) -> tuple[bytes, bytes]:
        return (self._iv, cipher) if self._options.iv == "extra" else (cipher[:length], cipher[length:])

    def _unpadded(self, mode: modes.CBC | modes.ECB, cipher: bytes) -> bytes:
        context = Cipher(algorithms.SM4(self._key), mode).decryptor()
        padded = context.update(cipher) + context.finalize()
        if self._options.padding == "zero":
            return padded.rstrip(b"\0")
        unpadder = PKCS7(BLOCK * 8).unpadder()
        return unpadder.update(padded) + unpadder.finalize()


def sm2_key(extra: Mapping[str, Any]) -> sm2.PrivateKey:
    """The private key in the file that ``extra.sm2_key`` names; ``extra.sm2_passphrase`` if it is encrypted."""
    try:
        pem = Path(str(extra["sm2_key"])).read_bytes()
    except (KeyError, OSError) as missing:
        raise Misconfigured("cipher.key", key="extra.sm2_key") from missing
    passphrase = extra.get("sm2_passphrase")
    return sm2.load_private(pem, str(passphrase).encode() if passphrase else None)


def in_der(cipher: bytes, order: str, prefixed: bool) -> bytes:
    """SM2 ciphertext as GM/T 0009 writes it, from C1‖C3‖C2 or C1‖C2‖C3; ``prefixed``: C1 begins with ``04``.

    Whether it does can't be seen: a bare coordinate may begin with 04 too. Raises ``ValueError`` when it is none.
    """
    if order == "der":
        return cipher
    parts = cipher.removeprefix(b"\x04") if prefixed else cipher
    if len(parts) <= 2 * COORDINATE + HASH or (prefixed and parts is cipher):
        raise ValueError("no ciphertext")
    x, y, rest = parts[:COORDINATE], parts[COORDINATE : 2 * COORDINATE], parts[2 * COORDINATE :]
    digest, text = (rest[:HASH], rest[HASH:]) if order == "c1c3c2" else (rest[-HASH:], rest[:-HASH])
    return _element(0x30, _natural(x) + _natural(y) + _element(0x04, digest) + _element(0x04, text))


def _natural(number: bytes) -> bytes:
    minimal = number.lstrip(b"\0") or b"\0"
    return _element(0x02, b"\0" + minimal if minimal[0] >= 0x80 else minimal)


def _element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(size)]) + size + content


def _bytes(extra: Mapping[str, Any], name: str, length: int) -> bytes:
    """So many bytes from hex, Base64 or as many plain characters."""
    text = str(extra.get(name, ""))
    for read in (bytes.fromhex, lambda given: base64.b64decode(given, validate=True), str.encode):
        try:
            if len(found := read(text)) == length:
                return found
        except (ValueError, binascii.Error):
            continue
    raise Misconfigured("cipher.key", key=f"extra.{name}")
