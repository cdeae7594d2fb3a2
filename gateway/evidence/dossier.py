"""One batch in the archive (批次档案): what is written of it, and what a reader checks without any database."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from gateway.crypto.digest import sm3_hex
from gateway.crypto.envelope import ExpectedReceipt, verify_receipt
from gateway.crypto.header import parse_header, signed_bytes, split_frame
from gateway.domain.batch import STAGES, TABLE, BatchEvent, BatchState
from gateway.errors import GatewayError
from gateway.evidence.seal import PublicKeys

BATCH, PURGED = "batch", "purged"
DELIVERED = frozenset({"ACKNOWLEDGED", "PARTIALLY_ACCEPTED", "RECONCILED"})
_KEPT = (
    *("target_id", "stream", "seq", "suite", "state", "business_date", "record_count", "header_digest"),
    *("content_digest", "merkle_root", "body_digest", "body_bytes", "accepted", "duplicates", "rejected"),
)


def written(
    row: dict[str, Any],
    events: list[dict[str, Any]],
    attempts: list[dict[str, Any]],
    receipts: list[dict[str, Any]],
    body: bytes,
) -> dict[str, Any]:
    """A batch's line; of one that is purged only its history, since the rest was archived before.

    Raises ``Rejected('batch.malformed')`` or ``ValueError`` when the stored bytes are not what was sealed.
    """
    line: dict[str, Any] = {
        "batchId": row["batch_id"],
        **{name: row[name] for name in _KEPT},
        "events": [_plain(event, "batch_id") for event in events],
    }
    if row["state"] == BatchState.PURGED:
        return {"type": PURGED} | line
    if sm3_hex(body) != row["body_digest"]:
        raise ValueError("the stored bytes are not those that were sealed")
    frame = split_frame(body)
    return {
        "type": BATCH,
        **line,
        "header": _base64(frame.header),
        "signature": _base64(frame.signature),
        "payloadDigest": sm3_hex(frame.payload),
        "attempts": [_plain(attempt, "batch_id") for attempt in attempts],
        "receipts": [
            _plain({**receipt, "raw": _base64(receipt["raw"])}, "batch_id", "raw_digest") for receipt in receipts
        ],
    }


def faults(line: dict[str, Any], keys: PublicKeys) -> Iterator[str]:
    """What is wrong with a line: header_digest, header_signature, header_differs, receipt_invalid, receipt_missing,
    history_broken; nothing when all holds."""
    if not _replays(line):
        yield "history_broken"
    if line["type"] == PURGED:
        return
    header = base64.b64decode(line["header"])
    if sm3_hex(header) != line["header_digest"]:
        yield "header_digest"
        return
    try:
        fields = parse_header(header)
    except GatewayError:
        yield "header_differs"
        return
    named = (fields.batch_id, fields.seq, fields.stream, fields.merkle_root, fields.content_digest, fields.record_count)
    if named != tuple(
        line[name] for name in ("batchId", "seq", "stream", "merkle_root", "content_digest", "record_count")
    ):
        yield "header_differs"
    verifier = keys.verifier(fields.sender_key_id)
    signed = signed_bytes(header, bytes.fromhex(line["payloadDigest"]))
    if verifier is None or not verifier.verify(signed, base64.b64decode(line["signature"])):
        yield "header_signature"
    yield from _receipt_faults(line, keys)


def _receipt_faults(line: dict[str, Any], keys: PublicKeys) -> Iterator[str]:
    expected = ExpectedReceipt(
        line["batchId"], line["header_digest"], line["merkle_root"], line["record_count"], line["suite"]
    )
    valid = [receipt for receipt in line["receipts"] if receipt["valid"]]
    for receipt in valid:
        try:
            said = verify_receipt(base64.b64decode(receipt["raw"]), expected, keys)
        except GatewayError:
            yield "receipt_invalid"
            continue
        if said.receipt_id != receipt["receipt_id"]:
            yield "receipt_invalid"
    if line["state"] in DELIVERED and not valid:
        yield "receipt_missing"


def _replays(line: dict[str, Any]) -> bool:
    """Whether the history is one that the table of states allows, and ends where the batch stands (I1, I4)."""
    at: BatchState | None = None
    for number, event in enumerate(line["events"], start=1):
        try:
            to = TABLE.get((at, BatchEvent(event["event"])))
        except ValueError:
            return False
        if to is None or event["seq"] != number or event["from_state"] != at or event["to_state"] != to:
            return False
        if at is not None and STAGES[to].rank < STAGES[at].rank:
            return False
        at = to
    return at is not None and at == line["state"]


def _plain(row: dict[str, Any], *left_out: str) -> dict[str, Any]:
    return {str(name): _value(value) for name, value in row.items() if name not in left_out}


def _value(value: Any) -> Any:
    return value.replace(tzinfo=UTC).isoformat() if isinstance(value, datetime) else value


def plain_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a table as a line holds it: moments in UTC."""
    return _plain(row)


def _base64(data: bytes) -> str:
    return base64.b64encode(bytes(data)).decode()
