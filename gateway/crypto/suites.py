"""The three suites (算法套件) of a sealed batch, and how each seals a chunk (platform interface, section 2)."""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gateway.crypto import ciphers
from gateway.crypto.digest import hmac_sm3
from gateway.crypto.signers import ES256, SM3_SM2
from gateway.crypto.wrappers import RSA_OAEP_256, SM2
from gateway.errors import Rejected

CHUNK = 1_048_576
NONCE_PREFIX = 7
_MAC = 32


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Where a chunk stands: what its seal is bound to, so that none can be moved, dropped or repeated."""

    header_digest: bytes
    nonce_prefix: bytes
    index: int
    last: bool

    @property
    def position(self) -> bytes:
        return struct.pack(">IB", self.index, self.last)


@dataclass(frozen=True, slots=True)
class Suite:
    """One row of the table. ``sealed_chunk`` is the sealed size of a full chunk, in bytes."""

    name: str
    key_wrap: str
    signature_algorithm: str
    data_key_size: int
    sealed_chunk: int
    seal_chunk: Callable[[bytes, ChunkPlace, bytes], bytes]
    open_chunk: Callable[[bytes, ChunkPlace, bytes], bytes]

    def seal(self, key: bytes, header_digest: bytes, nonce_prefix: bytes, content: Iterable[bytes]) -> Iterator[bytes]:
        """The payload, chunk by chunk, without length prefixes: ``content`` comes compressed, in pieces of any size."""
        for index, last, chunk in _chunks(content):
            yield self.seal_chunk(key, ChunkPlace(header_digest, nonce_prefix, index, last), chunk)

    def open(self, key: bytes, header_digest: bytes, nonce_prefix: bytes, sealed: Iterable[bytes]) -> Iterator[bytes]:
        """The content, still compressed, from the pieces of :attr:`sealed_chunk` bytes that the payload is cut in.

        ``Rejected('crypto.damaged')`` unless every chunk is whole and in place.
        """
        for index, last, piece in _numbered(sealed):
            chunk = self.open_chunk(key, ChunkPlace(header_digest, nonce_prefix, index, last), piece)
            if not chunk or (len(chunk) != CHUNK and not last) or len(chunk) > CHUNK:
                raise Rejected("crypto.damaged")
            yield chunk


def _numbered(pieces: Iterable[bytes]) -> Iterator[tuple[int, bool, bytes]]:
    """``(number, whether it is the last, piece)``."""
    coming = iter(pieces)
    index, piece = 0, next(coming, b"")
    while piece:
        following = next(coming, b"")
        yield index, not following, piece
        index, piece = index + 1, following


def _chunks(pieces: Iterable[bytes]) -> Iterator[tuple[int, bool, bytes]]:
    """``pieces`` cut anew, in chunks of :data:`CHUNK` bytes; none is empty."""

    def cut() -> Iterator[bytes]:
        kept = bytearray()
        for piece in pieces:
            kept += piece
            while len(kept) >= CHUNK:
                yield bytes(kept[:CHUNK])
                del kept[:CHUNK]
        if kept:
            yield bytes(kept)

    return _numbered(cut())


def _gcm(
    name: str,
    key_wrap: str,
    signature: str,
    key_size: int,
    seal: Callable[[bytes, bytes, bytes, bytes], bytes],
    open_: Callable[[bytes, bytes, bytes, bytes], bytes],
) -> Suite:
    def seal_chunk(key: bytes, place: ChunkPlace, plain: bytes) -> bytes:
        return seal(key, place.nonce_prefix + place.position, place.header_digest, plain)

    def open_chunk(key: bytes, place: ChunkPlace, sealed: bytes) -> bytes:
        return open_(key, place.nonce_prefix + place.position, place.header_digest, sealed)

    return Suite(name, key_wrap, signature, key_size, CHUNK + ciphers.TAG, seal_chunk, open_chunk)


def _seal_cbc(key: bytes, place: ChunkPlace, plain: bytes) -> bytes:
    cipher_key, mac_key = key[: ciphers.SM4_KEY], key[ciphers.SM4_KEY :]
    iv = os.urandom(ciphers.BLOCK)
    sealed = iv + ciphers.sm4_cbc_encrypt(cipher_key, iv, plain)
    return sealed + hmac_sm3(mac_key, place.header_digest + place.position + sealed)


def _open_cbc(key: bytes, place: ChunkPlace, chunk: bytes) -> bytes:
    cipher_key, mac_key = key[: ciphers.SM4_KEY], key[ciphers.SM4_KEY :]
    sealed, mac = chunk[:-_MAC], chunk[-_MAC:]
    expected = hmac_sm3(mac_key, place.header_digest + place.position + sealed)
    if not hmac.compare_digest(mac, expected) or len(sealed) < 2 * ciphers.BLOCK:
        raise Rejected("crypto.damaged")
    return ciphers.sm4_cbc_decrypt(cipher_key, sealed[: ciphers.BLOCK], sealed[ciphers.BLOCK :])


GM_GCM_1 = _gcm("GM-GCM-1", SM2, SM3_SM2, ciphers.SM4_KEY, ciphers.sm4_gcm_seal, ciphers.sm4_gcm_open)
GM_CBC_1 = Suite(  # for an HSM (密码机) without GCM: encrypt, then MAC
    "GM-CBC-1", SM2, SM3_SM2, ciphers.SM4_KEY + _MAC, CHUNK + 2 * ciphers.BLOCK + _MAC, _seal_cbc, _open_cbc
)
INTL_1 = _gcm("INTL-1", RSA_OAEP_256, ES256, ciphers.AES_KEY, ciphers.aes_gcm_seal, ciphers.aes_gcm_open)

SUITES = {suite.name: suite for suite in (GM_GCM_1, GM_CBC_1, INTL_1)}
