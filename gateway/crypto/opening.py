"""Opening a sealed batch: the receiver's side, in the receiver's order of checks (platform interface, section 4).

The gateway itself only seals; this serves tests, tools and evidence. Sequence, voids and repeats need a memory and
are not judged here.
"""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO

from gateway.crypto.canonical import parse_canonical
from gateway.crypto.content import GZIP, LARGEST_CONTENT, SEPARATOR
from gateway.crypto.digest import Running, merkle_leaf, merkle_top, running_sm3, sm3
from gateway.crypto.header import Header, malformed, moment, parse_header, read_head, signed_bytes
from gateway.crypto.signers import Verifier
from gateway.crypto.suites import CHUNK, SUITES, Suite
from gateway.crypto.wrappers import Unwrapper
from gateway.errors import Rejected

AHEAD = timedelta(minutes=5)  # how far a sender's clock may run ahead
KINDS = {"service": 0, "evaluation": 1, "rectification": 2}


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
class OpenedHead:
    """What stood around the records of a batch whose signature, seals and digests all held."""

    header: Header
    header_digest: str
    data_key: bytes


@dataclass(frozen=True, slots=True)
class OpenedBatch(OpenedHead):
    """The records too."""

    records: list[bytes]


def open_batch(body: bytes, receiver: Receiver, now: datetime) -> OpenedBatch:
    """The content of ``body`` as of ``now`` (aware), or ``Rejected`` with the interface's refusal code."""
    records: list[bytes] = []
    head = open_from(io.BytesIO(body), receiver, now, records.append)
    return OpenedBatch(head.header, head.header_digest, head.data_key, records)


def open_from(body: IO[bytes], receiver: Receiver, now: datetime, take: Callable[[bytes], object]) -> OpenedHead:
    """Opens a sealed batch in memory that does not grow with it; raises as :func:`open_batch` does.

    ``body`` is read twice: the signature is checked before anything is decrypted. Decompression stops at the declared
    size. ``take`` gets each record as it comes; what it got counts only once this returns.
    """
    size = body.seek(0, io.SEEK_END)
    if size > receiver.largest_body:
        raise Rejected("batch.too_large", bytes=size, limit=receiver.largest_body)
    body.seek(0)
    raw_header, signature = read_head(body)
    payload = body.tell()
    header = parse_header(raw_header)
    _check_sender(header, receiver)
    _check_signature(header, receiver, signed_bytes(raw_header, _digest(body)), signature)
    _check_time(header, now)
    if header.uncompressed_size > LARGEST_CONTENT or header.record_count > receiver.most_records:
        raise Rejected("batch.too_large", bytes=header.uncompressed_size, limit=LARGEST_CONTENT)
    header_digest = sm3(raw_header)
    body.seek(payload)
    suite = SUITES[header.suite]
    data_key = _data_key(header, suite, receiver.unwrappers[header.recipient_key_id])
    chunks = _decrypted(header, suite, data_key, header_digest, body)
    try:
        _read_records(_unpacked(chunks, header), header, take)
    except Rejected:
        for _ in chunks:  # a chunk that does not open is the graver cause, and is told first
            pass
        raise
    return OpenedHead(header, header_digest.hex(), data_key)


def _digest(body: IO[bytes]) -> bytes:
    running = running_sm3()
    for piece in iter(lambda: body.read(CHUNK), b""):
        running.update(piece)
    return running.digest()


def _check_sender(header: Header, receiver: Receiver) -> None:
    trust = receiver.senders.get(header.sender)
    if trust is None:
        raise Rejected("auth.sender", sender=header.sender)
    if header.suite not in trust.suites or header.suite not in SUITES:
        raise Rejected("batch.suite", suite=header.suite)
    if header.recipient != receiver.recipient or header.recipient_key_id not in receiver.unwrappers:
        raise Rejected("batch.recipient", recipient=header.recipient, key_id=header.recipient_key_id)


def _check_signature(header: Header, receiver: Receiver, signed: bytes, signature: bytes) -> None:
    verifier = receiver.senders[header.sender].verifiers.get(header.sender_key_id)
    if verifier is None or verifier.algorithm != header.signature_algorithm or not verifier.verify(signed, signature):
        raise Rejected("batch.signature", key_id=header.sender_key_id)


def _check_time(header: Header, now: datetime) -> None:
    if moment(header.created) > now + AHEAD or moment(header.expires) < now:
        raise Rejected("batch.expired", created=header.created, expires=header.expires)


def _data_key(header: Header, suite: Suite, unwrapper: Unwrapper) -> bytes:
    refused = Rejected("batch.decrypt", key_id=header.recipient_key_id)
    if unwrapper.algorithm != suite.key_wrap:
        raise refused
    try:
        data_key = unwrapper.unwrap(base64.b64decode(header.wrapped_key))
    except Rejected as damaged:
        raise refused from damaged
    if len(data_key) != suite.data_key_size:
        raise refused
    return data_key


def _decrypted(
    header: Header, suite: Suite, data_key: bytes, header_digest: bytes, payload: IO[bytes]
) -> Iterator[bytes]:
    sealed = iter(lambda: payload.read(suite.sealed_chunk), b"")
    try:
        yield from suite.open(data_key, header_digest, bytes.fromhex(header.nonce_prefix), sealed)
    except Rejected as damaged:
        raise Rejected("batch.decrypt", key_id=header.recipient_key_id) from damaged


def _unpacked(chunks: Iterator[bytes], header: Header) -> Iterator[bytes]:
    """The plain content, exactly as long as declared; a bomb is cut off one byte past that."""
    left = header.uncompressed_size
    for piece in _inflated(chunks, left) if header.compression == "gzip" else chunks:
        left -= len(piece)
        if left < 0:
            raise Rejected("batch.too_large", bytes=header.uncompressed_size - left, limit=header.uncompressed_size)
        yield piece
    if left:
        raise malformed("uncompressedSize")


def _inflated(chunks: Iterator[bytes], declared: int) -> Iterator[bytes]:
    """The one gzip member that ``chunks`` are, in pieces of bounded size, up to one byte past ``declared``."""
    stream, left = zlib.decompressobj(GZIP), declared + 1
    try:
        for chunk in chunks:
            waiting, piece = chunk, chunk
            while (waiting or piece) and left and not stream.eof:  # output may wait inside without any input left
                piece = stream.decompress(waiting, min(left, CHUNK))
                waiting, left = stream.unconsumed_tail, left - len(piece)
                yield piece
            if stream.eof and (stream.unused_data or waiting):
                raise malformed("compression")
    except zlib.error:
        raise malformed("compression") from None
    if not stream.eof:
        raise malformed("compression")


def _read_records(content: Iterator[bytes], header: Header, take: Callable[[bytes], object]) -> None:
    """Hands every record to ``take`` and holds the header to what came. No more is kept than the header announced."""
    running, leaves, order = running_sm3(), list[bytes](), list[int]()
    for record in _lines(content, running):
        if len(leaves) == header.record_count:
            raise malformed("recordCount")
        leaves.append(merkle_leaf(record))
        rank = _rank(record)
        if rank is not None and [rank] != order[-1:]:
            order.append(rank)
        take(record)
    if running.digest().hex() != header.content_digest:
        raise Rejected("batch.digest")
    if len(leaves) != header.record_count:
        raise malformed("recordCount")
    if merkle_top(leaves).hex() != header.merkle_root:
        raise Rejected("batch.digest")
    if order != sorted(order):
        raise malformed("kind")


def _lines(content: Iterator[bytes], running: Running) -> Iterator[bytes]:
    """The records of a content that comes in pieces, which ``running`` digests on the way."""
    begun: list[bytes] = []
    for piece in content:
        running.update(piece)
        first, *others = piece.split(SEPARATOR)
        begun.append(first)
        for other in others:
            yield b"".join(begun)
            begun = [other]
    yield b"".join(begun)


def _rank(record: bytes) -> int | None:
    """Where the record's kind stands in the order; none for a record that will be refused on its own."""
    try:
        value = parse_canonical(record)
    except Rejected:
        return None
    kind = value.get("kind") if type(value) is dict else None
    return KINDS.get(kind) if type(kind) is str else None
