"""One batch in the archive (批次档案): what is written of it, and what a reader checks without any database."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from gateway.crypto.canonical import parse_canonical
from gateway.crypto.digest import sm3_hex
from gateway.crypto.envelope import ExpectedReceipt, verify_receipt
from gateway.crypto.header import parse_header, signed_bytes, split_frame
from gateway.crypto.suites import SUITES
from gateway.domain.batch import STAGES, TABLE, BatchEvent, BatchState
from gateway.errors import GatewayError
from gateway.evidence.seal import PublicKeys

BATCH, PURGED = "batch", "purged"
DELIVERED = frozenset({"ACKNOWLEDGED", "PARTIALLY_ACCEPTED", "RECONCILED"})
_KEPT = (
    *("target_id", "stream", "seq", "suite", "state", "business_date", "record_count", "header_digest"),
    *("content_digest", "merkle_root", "body_digest", "body_bytes", "accepted", "duplicates", "rejected"),
)

_NAMED = {  # what a header says and the line repeats
    "batchId": "batchId",
    "seq": "seq",
    "stream": "stream",
    "merkleRoot": "merkle_root",
    "contentDigest": "content_digest",
    "recordCount": "record_count",
}


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
    return {
        "type": BATCH,
        **line,
        **(_sealed(body) if row["suite"] in SUITES else {"listing": _base64(body)}),
        "attempts": [_plain(attempt, "batch_id") for attempt in attempts],
        "receipts": [
            _plain({**receipt, "raw": _base64(receipt["raw"])}, "batch_id", "raw_digest") for receipt in receipts
        ],
    }


def _sealed(body: bytes) -> dict[str, str]:
    """Of a native batch: all but the records themselves."""
    frame = split_frame(body)
    return {
        "header": _base64(frame.header),
        "signature": _base64(frame.signature),
        "payloadDigest": sm3_hex(frame.payload),
    }


def faults(line: dict[str, Any], keys: PublicKeys) -> Iterator[str]:
    """What is wrong with a line: header_digest, header_signature, header_differs, receipt_invalid, receipt_missing,
    history_broken; nothing when all holds."""
    if not _replays(line):
        yield "history_broken"
    if line["type"] == PURGED:
        return
    if "listing" in line:
        yield from _listing_faults(line)
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
    if named != tuple(line[name] for name in _NAMED.values()):
        yield "header_differs"
    verifier = keys.verifier(fields.sender_key_id)
    signed = signed_bytes(header, bytes.fromhex(line["payloadDigest"]))
    if verifier is None or not verifier.verify(signed, base64.b64decode(line["signature"])):
        yield "header_signature"
    yield from _receipt_faults(line, keys)


def _listing_faults(line: dict[str, Any]) -> Iterator[str]:
    """Of a batch that went record by record nothing was signed: its list and our account of the answers must agree."""
    body = base64.b64decode(line["listing"])
    header = body.partition(b"\n")[0]
    if sm3_hex(body) != line["body_digest"] or sm3_hex(header) != line["header_digest"]:
        yield "header_digest"
        return
    try:
        fields = parse_canonical(header)
    except GatewayError:
        fields = {}
    if any(fields.get(wire) != line[name] for wire, name in _NAMED.items()):
        yield "header_differs"
    valid = [receipt for receipt in line["receipts"] if receipt["valid"]]
    for receipt in valid:
        try:
            account = parse_canonical(base64.b64decode(receipt["raw"]))
        except GatewayError:
            account = {}
        if (account.get("batchId"), account.get("records")) != (line["batchId"], line["record_count"]):
            yield "receipt_invalid"
    if line["state"] in DELIVERED and not valid:
        yield "receipt_missing"


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
