"""Sealing (封装) a batch: the sender's side of the platform interface, sections 1 to 3."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO

from gateway.crypto.content import Summary, packed, summarise
from gateway.crypto.digest import running_sm3, sm3
from gateway.crypto.header import Header, frame_head, parse_header, signed_bytes, wire_moment
from gateway.crypto.signers import Signer
from gateway.crypto.suites import CHUNK, NONCE_PREFIX, SUITES, Suite
from gateway.crypto.wrappers import Wrapper
from gateway.errors import Bug, Misconfigured, Rejected

SPOOL = 4 * CHUNK  # sealed bytes in memory at most, before they go to a temporary file


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRequest:
    """What a batch says of itself. ``created`` and ``expires`` are aware; whole seconds count."""

    suite: str
    sender: str
    recipient: str
    batch_id: str
    stream: str
    seq: int
    prev_digest: str
    created: datetime
    expires: datetime
    compression: str = "gzip"


@dataclass(frozen=True, slots=True)
class SenderKeys:
    """Our signature key and the receiver's encryption key."""

    signer: Signer
    recipient: Wrapper


@dataclass(frozen=True, slots=True)
class SealedHead:
    """What must be kept beside sealed bytes. Digests are hex."""

    header: Header
    header_digest: str
    body_digest: str


@dataclass(frozen=True, slots=True)
class SealedBatch(SealedHead):
    """The bytes that every attempt sends, too."""

    body: bytes


def seal_batch(request: SealRequest, records: Iterable[bytes], keys: SenderKeys) -> SealedBatch:
    """Seals ``records`` (canonical JSON each, in the order of the content), as :func:`seal_into` does."""
    body = io.BytesIO()
    head = seal_into(request, records, keys, body)
    return SealedBatch(head.header, head.header_digest, head.body_digest, body.getvalue())


def seal_into(request: SealRequest, records: Iterable[bytes], keys: SenderKeys, body: IO[bytes]) -> SealedHead:
    """Seals ``records`` into ``body``, in memory that does not grow with them.

    They are gone through twice, since the header stands before the content that it sums up: a list, or what reads
    them anew each time. Sealed chunks wait for the signature in a temporary file. Every call draws a new data key: a
    batch is sealed once and its bytes are kept. Raises ``Misconfigured('crypto.suite_keys')`` when the keys are not of
    the suite, ``Rejected('batch.too_large')`` beyond 64 MiB of content, ``Bug`` when the request itself is malformed.
    """
    suite = _suite(request, keys)
    data_key = os.urandom(suite.data_key_size)
    summary = summarise(records)
    header = _header(request, suite, keys, data_key, summary)
    raw_header = _checked(header)
    header_digest = sm3(raw_header)
    with SpooledTemporaryFile(SPOOL) as spool:
        digest = running_sm3()
        plain = packed(records, request.compression, summary)
        for chunk in suite.seal(data_key, header_digest, bytes.fromhex(header.nonce_prefix), plain):
            digest.update(chunk)
            spool.write(chunk)
        signature = keys.signer.sign(signed_bytes(raw_header, digest.digest()))
        spool.seek(0)
        whole = running_sm3()
        for part in chain([frame_head(raw_header, signature)], iter(lambda: spool.read(CHUNK), b"")):
            whole.update(part)
            body.write(part)
    return SealedHead(header, header_digest.hex(), whole.digest().hex())


def _suite(request: SealRequest, keys: SenderKeys) -> Suite:
    suite = SUITES.get(request.suite)
    if (
        suite is None
        or keys.signer.algorithm != suite.signature_algorithm
        or keys.recipient.algorithm != suite.key_wrap
    ):
        raise Misconfigured(
            "crypto.suite_keys",
            suite=request.suite,
            signature=keys.signer.algorithm,
            wrap=keys.recipient.algorithm,
        )
    return suite


def _header(request: SealRequest, suite: Suite, keys: SenderKeys, data_key: bytes, content: Summary) -> Header:
    created = wire_moment(request.created)
    return Header(
        suite=suite.name,
        sender=request.sender,
        recipient=request.recipient,
        batch_id=request.batch_id,
        stream=request.stream,
        seq=request.seq,
        prev_digest=request.prev_digest,
        business_date=created[:10],
        created=created,
        expires=wire_moment(request.expires),
        record_count=content.records,
        content_digest=content.digest.hex(),
        merkle_root=content.merkle_root.hex(),
        compression=request.compression,
        uncompressed_size=content.size,
        nonce_prefix=os.urandom(NONCE_PREFIX).hex(),
        key_wrap=suite.key_wrap,
        wrapped_key=base64.b64encode(keys.recipient.wrap(data_key)).decode(),
        recipient_key_id=keys.recipient.key_id,
        sender_key_id=keys.signer.key_id,
        signature_algorithm=suite.signature_algorithm,
    )


def _checked(header: Header) -> bytes:
    """The header's bytes, read back as the receiver will: a malformed one must never be signed."""
    raw = header.to_bytes()
    try:
        parse_header(raw)
    except Rejected as refused:
        raise Bug("batch.request_malformed", field=refused.params.get("field", "")) from refused
    return raw
