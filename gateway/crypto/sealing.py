"""Sealing (封装) a batch: the sender's side of the platform interface, sections 1 to 3."""

from __future__ import annotations

import base64
import gzip
import os
from dataclasses import dataclass
from datetime import datetime

from gateway.crypto.digest import merkle_root, sm3, sm3_hex
from gateway.crypto.header import Frame, Header, join_frame, parse_header, signed_bytes, wire_moment
from gateway.crypto.signers import Signer
from gateway.crypto.suites import NONCE_PREFIX, SUITES, Suite
from gateway.crypto.wrappers import Wrapper
from gateway.errors import Bug, Misconfigured, Rejected

LARGEST_CONTENT = 67_108_864
FASTEST = 1  # gzip level: repetitive JSON shrinks 28-fold at it, and the cipher is the slower of the two


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
class SealedBatch:
    """The bytes that every attempt sends, and what must be kept beside them. Digests are hex."""

    body: bytes
    header: Header
    header_digest: str
    body_digest: str


def seal_batch(request: SealRequest, records: list[bytes], keys: SenderKeys) -> SealedBatch:
    """Seals ``records`` (canonical JSON each, in the order of the content).

    Every call draws a new data key: a batch is sealed once and its bytes are kept. Raises
    ``Misconfigured('crypto.suite_keys')`` when the keys are not of the suite, ``Rejected('batch.too_large')`` beyond
    64 MiB of content, ``Bug`` when the request itself is malformed.
    """
    suite = _suite(request, keys)
    content = b"\n".join(records)
    if not all(records) or content.count(b"\n") != len(records) - 1:
        raise Bug("batch.records_malformed")
    if len(content) > LARGEST_CONTENT:
        raise Rejected("batch.too_large", bytes=len(content), limit=LARGEST_CONTENT)
    data_key = os.urandom(suite.data_key_size)
    header = _header(request, suite, keys, data_key, records, content)
    raw_header = _checked(header)
    header_digest = sm3(raw_header)
    packed = gzip.compress(content, FASTEST, mtime=0) if request.compression == "gzip" else content
    payload = suite.seal(data_key, header_digest, bytes.fromhex(header.nonce_prefix), packed)
    signature = keys.signer.sign(signed_bytes(raw_header, sm3(payload)))
    body = join_frame(Frame(raw_header, signature, payload))
    return SealedBatch(body, header, header_digest.hex(), sm3_hex(body))


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


def _header(
    request: SealRequest, suite: Suite, keys: SenderKeys, data_key: bytes, records: list[bytes], content: bytes
) -> Header:
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
        record_count=len(records),
        content_digest=sm3_hex(content),
        merkle_root=merkle_root(records).hex(),
        compression=request.compression,
        uncompressed_size=len(content),
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
