"""A batch for a receiver that knows no batches: a list of what goes, sealed in time and sequence like any other.

It holds keys and digests only. The records stay where they are, in the ledger, and are rendered call by call.
"""

from __future__ import annotations

import orjson

from gateway.crypto.canonical import canonical_json
from gateway.crypto.digest import merkle_root, sm3, sm3_hex
from gateway.crypto.header import Header, wire_moment
from gateway.crypto.sealing import SealedBatch, SealRequest


def list_batch(request: SealRequest, records: list[bytes], profile: str) -> SealedBatch:
    """The listing of ``records`` (canonical JSON each). Its header names no keys: nothing is encrypted or signed."""
    created = wire_moment(request.created)
    content = b"\n".join(records)
    header = Header(
        suite=profile,
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
        compression="none",
        uncompressed_size=len(content),
        nonce_prefix="",
        key_wrap="",
        wrapped_key="",
        recipient_key_id="",
        sender_key_id="",
        signature_algorithm="",
    )
    raw = header.to_bytes()
    body = b"\n".join([raw, *(_line(record) for record in records)])
    return SealedBatch(header, sm3_hex(raw), sm3_hex(body), body)


def _line(record: bytes) -> bytes:
    known = orjson.loads(record)
    return canonical_json(
        {"digest": sm3(record).hex(), "key": known["key"], "kind": known["kind"], "version": known["version"]}
    )
