"""Opening a sealed batch: the receiver's side, in the receiver's order of checks (platform interface, section 4).

The gateway itself only seals; this serves tests, tools and evidence. Sequence, voids and repeats need a memory and
are not judged here.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.crypto.canonical import parse_canonical
from gateway.crypto.digest import merkle_root, sm3, sm3_hex
from gateway.crypto.header import Frame, Header, malformed, moment, parse_header, signed_bytes, split_frame
from gateway.crypto.sealing import LARGEST_CONTENT
from gateway.crypto.signers import Verifier
from gateway.crypto.suites import SUITES, Suite
from gateway.crypto.wrappers import Unwrapper
from gateway.errors import Rejected

AHEAD = timedelta(minutes=5)  # how far a sender's clock may run ahead
KINDS = {"service": 0, "evaluation": 1, "rectification": 2}
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class SenderTrust:
    """The suites taken from one sender, and its signature keys by key id."""

    suites: frozenset[str]
    verifiers: Mapping[str, Verifier]


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who opens: its id, its own keys by key id, whom it trusts by region code, and its limits."""

    recipient: str
    unwrappers: Mapping[str, Unwrapper]
    senders: Mapping[str, SenderTrust]
    largest_body: int = 16_777_216
    most_records: int = 5_000


@dataclass(frozen=True, slots=True)
class OpenedBatch:
    """A batch whose signature, seals and digests all held."""

    header: Header
    header_digest: str
    data_key: bytes
    records: list[bytes]


def open_batch(body: bytes, receiver: Receiver, now: datetime) -> OpenedBatch:
    """The content of ``body`` as of ``now`` (aware), or ``Rejected`` with the interface's refusal code.

    The signature is checked before anything is decrypted; decompression stops at the declared size.
    """
    if len(body) > receiver.largest_body:
        raise Rejected("batch.too_large", bytes=len(body), limit=receiver.largest_body)
    frame = split_frame(body)
    header = parse_header(frame.header)
    _check_sender(frame, header, receiver)
    _check_time(header, now)
    if header.uncompressed_size > LARGEST_CONTENT or header.record_count > receiver.most_records:
        raise Rejected("batch.too_large", bytes=header.uncompressed_size, limit=LARGEST_CONTENT)
    header_digest = sm3(frame.header)
    data_key, packed = _decrypt(frame, header, header_digest, receiver)
    content = _unpacked(packed, header)
    return OpenedBatch(header, header_digest.hex(), data_key, _records(content, header))


def _check_sender(frame: Frame, header: Header, receiver: Receiver) -> None:
    trust = receiver.senders.get(header.sender)
    if trust is None:
        raise Rejected("auth.sender", sender=header.sender)
    if header.suite not in trust.suites or header.suite not in SUITES:
        raise Rejected("batch.suite", suite=header.suite)
    if header.recipient != receiver.recipient or header.recipient_key_id not in receiver.unwrappers:
        raise Rejected("batch.recipient", recipient=header.recipient, key_id=header.recipient_key_id)
    verifier = trust.verifiers.get(header.sender_key_id)
    if (
        verifier is None
        or verifier.algorithm != header.signature_algorithm
        or not verifier.verify(signed_bytes(frame.header, sm3(frame.payload)), frame.signature)
    ):
        raise Rejected("batch.signature", key_id=header.sender_key_id)


def _check_time(header: Header, now: datetime) -> None:
    if moment(header.created) > now + AHEAD or moment(header.expires) < now:
        raise Rejected("batch.expired", created=header.created, expires=header.expires)


def _decrypt(frame: Frame, header: Header, header_digest: bytes, receiver: Receiver) -> tuple[bytes, bytes]:
    suite = SUITES[header.suite]
    try:
        data_key = _data_key(header, suite, receiver.unwrappers[header.recipient_key_id])
        return data_key, suite.open(data_key, header_digest, bytes.fromhex(header.nonce_prefix), frame.payload)
    except Rejected as damaged:
        raise Rejected("batch.decrypt", key_id=header.recipient_key_id) from damaged


def _data_key(header: Header, suite: Suite, unwrapper: Unwrapper) -> bytes:
    if unwrapper.algorithm != suite.key_wrap:
        raise Rejected("crypto.damaged")
    data_key = unwrapper.unwrap(base64.b64decode(header.wrapped_key))
    if len(data_key) != suite.data_key_size:
        raise Rejected("crypto.damaged")
    return data_key


def _unpacked(packed: bytes, header: Header) -> bytes:
    """The plain content, exactly as long as declared; a bomb is cut off one byte past that."""
    content = packed
    if header.compression == "gzip":
        stream = zlib.decompressobj(_GZIP)
        try:
            content = stream.decompress(packed, header.uncompressed_size + 1)
        except zlib.error:
            raise malformed("compression") from None
        if len(content) <= header.uncompressed_size and (not stream.eof or stream.unused_data):
            raise malformed("compression")
    if len(content) > header.uncompressed_size:
        raise Rejected("batch.too_large", bytes=len(content), limit=header.uncompressed_size)
    if len(content) < header.uncompressed_size:
        raise malformed("uncompressedSize")
    return content


def _records(content: bytes, header: Header) -> list[bytes]:
    records = content.split(b"\n")
    if sm3_hex(content) != header.content_digest or merkle_root(records).hex() != header.merkle_root:
        raise Rejected("batch.digest")
    if len(records) != header.record_count:
        raise malformed("recordCount")
    kinds = [rank for rank in map(_rank, records) if rank is not None]
    if kinds != sorted(kinds):
        raise malformed("kind")
    return records


def _rank(record: bytes) -> int | None:
    """Where the record's kind stands in the order; none for a record that will be refused on its own."""
    try:
        value = parse_canonical(record)
    except Rejected:
        return None
    kind = value.get("kind") if type(value) is dict else None
    return KINDS.get(kind) if type(kind) is str else None
