"""One batch with all that happened to it: history, attempts, receipts, records that were not plainly accepted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from gateway.store.batch_lines import BatchLine, batch_line
from gateway.store.batch_records import records_of
from gateway.store.database import utc_aware
from gateway.store.tables import batch, batch_attempt, batch_event, batch_record, ledger_record, receipt


@dataclass(frozen=True, slots=True)
class AttemptLine:
    attempt: int
    started_at: datetime
    send_started_at: datetime | None
    finished_at: datetime | None
    outcome: str | None
    http_status: int | None
    code: str | None


@dataclass(frozen=True, slots=True)
class EventLine:
    event: str
    from_state: str | None
    to_state: str
    actor: str
    happened_at: datetime
    detail: str | None


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    receipt_id: str
    valid: bool
    reason: str | None
    first_seen_at: datetime
    seen: int


@dataclass(frozen=True, slots=True)
class ItemLine:
    """A record of the batch that was not plainly accepted."""

    item: int
    kind: str
    record_key: str
    version: int
    code: str


@dataclass(frozen=True, slots=True)
class BatchDetail:
    """One batch with all that happened to it."""

    line: BatchLine
    suite: str
    header_digest: str
    content_digest: str
    merkle_root: str
    body_digest: str
    sender_key_id: str
    recipient_key_id: str
    expires_at: datetime
    failure_detail: str | None
    events: list[EventLine]
    attempts: list[AttemptLine]
    receipts: list[ReceiptLine]
    items: list[ItemLine]

    @property
    def receipt_id(self) -> str | None:
        """The id of the first valid receipt."""
        return next((line.receipt_id for line in self.receipts if line.valid), None)


def show_batch(connection: Connection, batch_id: str, now: datetime) -> BatchDetail | None:
    """One batch with history, attempts, receipts and coded items; none when there is no such batch."""
    found = connection.execute(select(batch).where(batch.c.batch_id == batch_id)).first()
    if found is None:
        return None
    return BatchDetail(
        line=batch_line(found._mapping, now),
        suite=found.suite,
        header_digest=found.header_digest,
        content_digest=found.content_digest,
        merkle_root=found.merkle_root,
        body_digest=found.body_digest,
        sender_key_id=found.sender_key_id,
        recipient_key_id=found.recipient_key_id,
        expires_at=utc_aware(found.expires_at),
        failure_detail=found.failure_detail,
        events=_events(connection, batch_id),
        attempts=_attempts(connection, batch_id),
        receipts=_receipts(connection, batch_id),
        items=_items(connection, batch_id),
    )


def _events(connection: Connection, batch_id: str) -> list[EventLine]:
    found = connection.execute(
        select(batch_event).where(batch_event.c.batch_id == batch_id).order_by(batch_event.c.seq)
    )
    return [
        EventLine(row.event, row.from_state, row.to_state, row.actor, utc_aware(row.happened_at), row.detail)
        for row in found
    ]


def _attempts(connection: Connection, batch_id: str) -> list[AttemptLine]:
    found = connection.execute(
        select(batch_attempt).where(batch_attempt.c.batch_id == batch_id).order_by(batch_attempt.c.attempt)
    )
    return [
        AttemptLine(
            row.attempt,
            utc_aware(row.started_at),
            _aware(row.send_started_at),
            _aware(row.finished_at),
            row.outcome,
            row.http_status,
            row.code,
        )
        for row in found
    ]


def _receipts(connection: Connection, batch_id: str) -> list[ReceiptLine]:
    found = connection.execute(select(receipt).where(receipt.c.batch_id == batch_id).order_by(receipt.c.first_seen_at))
    return [
        ReceiptLine(row.receipt_id, bool(row.valid), row.reason, utc_aware(row.first_seen_at), row.seen)
        for row in found
    ]


def _items(connection: Connection, batch_id: str) -> list[ItemLine]:
    found = connection.execute(
        select(
            batch_record.c.item,
            ledger_record.c.kind,
            ledger_record.c.record_key,
            ledger_record.c.version,
            batch_record.c.code,
        )
        .join(ledger_record, ledger_record.c.position == batch_record.c.position)
        .where(records_of(batch_id), batch_record.c.code.is_not(None))
        .order_by(batch_record.c.item)
    )
    return [ItemLine(*row) for row in found]


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else utc_aware(moment)
