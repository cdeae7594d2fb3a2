"""From a verified batch to its content: unwrap, decrypt chunk by chunk, unpack, digests (interface sections 1 to 3)."""

from __future__ import annotations

import hmac
import struct
import zlib
from collections.abc import Callable, Iterator

from gateway.crypto import ciphers
from gateway.crypto.digest import hmac_sm3, sm3
from sandbox.platform.envelope import CHUNK, Envelope, malformed
from sandbox.platform.own_keys import OwnKey
from sandbox.platform.refusals import Refusal

_TAG = 16
_IV = 16
_MAC = 32
_BLOCK = 16
DATA_KEY_BYTES = {"GM-GCM-1": 16, "GM-CBC-1": 48, "INTL-1": 32}
_SEALED_CHUNK = {"GM-GCM-1": CHUNK + _TAG, "INTL-1": CHUNK + _TAG, "GM-CBC-1": _IV + CHUNK + _BLOCK + _MAC}

OpenChunk = Callable[[bytes, bytes, bytes], bytes]
"""(nonce parts: u32 index and u8 last, headerDigest, sealed chunk) → plain chunk."""


def decrypt(envelope: Envelope, key: OwnKey) -> bytes:
    """The compressed content; Refusal ``batch.decrypt`` if the key or any chunk doesn't open."""
    suite = envelope.header.suite
    try:
        data_key = key.operate(envelope.header.wrapped_key)
        open_chunk = _chunk_opener(suite, data_key, envelope.header.nonce_prefix)
        return b"".join(
            open_chunk(place, envelope.header_digest, chunk) for place, chunk in _chunks(envelope.payload, suite)
        )
    except Exception as error:
        # Each library has its own error for a wrong key, tag or padding; the sender gets one answer for all of them.
        raise Refusal("batch.decrypt", "the data key or a chunk does not open") from error


def _chunks(payload: memoryview, suite: str) -> Iterator[tuple[bytes, bytes]]:
    size = _SEALED_CHUNK[suite]
    starts = range(0, len(payload), size)
    for index, start in enumerate(starts):
        place = struct.pack(">IB", index, index == len(starts) - 1)
        yield place, bytes(payload[start : start + size])


def _chunk_opener(suite: str, data_key: bytes, nonce_prefix: bytes) -> OpenChunk:
    if len(data_key) != DATA_KEY_BYTES[suite]:
        raise Refusal("batch.decrypt", "the data key has not the suite's length")
    if suite == "GM-CBC-1":
        return _cbc_opener(data_key[:16], data_key[16:])
    open_gcm = ciphers.sm4_gcm_open if suite == "GM-GCM-1" else ciphers.aes_gcm_open

    def open_chunk(place: bytes, header_digest: bytes, chunk: bytes) -> bytes:
        return open_gcm(data_key, nonce_prefix + place, header_digest, chunk)

    return open_chunk


def _cbc_opener(cipher_key: bytes, mac_key: bytes) -> OpenChunk:
    def open_chunk(place: bytes, header_digest: bytes, chunk: bytes) -> bytes:
        sealed, mac = chunk[:-_MAC], chunk[-_MAC:]
        if not hmac.compare_digest(hmac_sm3(mac_key, header_digest + place + sealed), mac):
            raise Refusal("batch.decrypt", "a chunk's MAC does not fit")
        return ciphers.sm4_cbc_decrypt(cipher_key, sealed[:_IV], sealed[_IV:])

    return open_chunk


def unpack(envelope: Envelope, packed: bytes) -> bytes:
    """The content, never more than declared: Refusal ``batch.too_large``, or ``batch.malformed`` if broken or short."""
    declared = envelope.header.uncompressed_size
    content = gunzip(packed, declared) if envelope.header.compression == "gzip" else packed
    if len(content) > declared:
        raise Refusal("batch.too_large", "the content is longer than declared")
    if len(content) < declared:
        raise malformed("the content is shorter than declared")
    return content


def gunzip(packed: bytes, declared: int) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    try:
        content = reader.decompress(packed, declared + 1)
    except zlib.error as error:
        raise malformed("broken compression") from error
    if len(content) > declared:
        return content
    if not reader.eof or reader.unused_data:
        raise malformed("compression cut or followed by other bytes")
    return content


def split(envelope: Envelope, content: bytes) -> list[bytes]:
    """The records after contentDigest, recordCount and merkleRoot have been found right."""
    if sm3(content).hex() != envelope.header.content_digest:
        raise Refusal("batch.digest", "contentDigest")
    records = content.split(b"\n")
    if len(records) != envelope.header.record_count:
        raise malformed("recordCount")
    if merkle_root(records).hex() != envelope.header.merkle_root:
        raise Refusal("batch.digest", "merkleRoot")
    return records


def merkle_root(records: list[bytes]) -> bytes:
    """Leaf = SM3(0x00 ‖ record), node = SM3(0x01 ‖ left ‖ right), a lone node moves up unchanged."""
    level = [sm3(b"\0" + record) for record in records]
    while len(level) > 1:
        above = [sm3(b"\1" + level[i] + level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]
