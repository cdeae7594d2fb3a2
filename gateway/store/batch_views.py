"""Batches as people look at them: lists, one batch with its history, targets. Plain dataclasses, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, exists, func, or_, select, true

from gateway.crypto.suites import SUITES
from gateway.domain.batch import OPEN, SETTLED, STAGES, BatchState
from gateway.domain.batch_act import BatchAct, possible_acts
from gateway.messages import LANGUAGES, retell, text
from gateway.store.batch_records import records_of
from gateway.store.bundles import SPLIT
from gateway.store.database import utc_aware, utc_naive
from gateway.store.quarantine import OPEN as IN_QUARANTINE
from gateway.store.tables import (
    batch,
    batch_attempt,
    batch_event,
    batch_record,
    delivery_hold,
    ledger_record,
    quarantine,
    receipt,
    reconciliation,
    reconciliation_item,
)

TROUBLED = (
    *(BatchState.FAILED, BatchState.SUSPENDED, BatchState.INTERRUPTED, BatchState.RETRY_WAIT, BatchState.UNCERTAIN),
    BatchState.DISPUTED,
)
REFUSED = (BatchState.REJECTED, BatchState.PARTIALLY_ACCEPTED)
WITHOUT_RECEIPT = (BatchState.ACKNOWLEDGED, BatchState.PARTIALLY_ACCEPTED, BatchState.REJECTED)
_PLAIN = (
    *("batch_id", "target_id", "stream", "seq", "business_date", "record_count", "body_bytes", "attempts"),
    *("failure_class", "failure_code", "failure_detail", "accepted", "duplicates", "rejected", "suite"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """One line of the list. ``overdue``: the state has lasted longer than its SLA."""

    batch_id: str
    target_id: str
    stream: str
    seq: int
    state: BatchState
    acts_next: str
    business_date: str
    created_at: datetime
    updated_at: datetime
    next_attempt_at: datetime | None
    record_count: int
    body_bytes: int
    attempts: int
    maybe_sent: bool
    failure_class: str | None
    failure_code: str | None
    failure_detail: str | None
    accepted: int | None
    duplicates: int | None
    rejected: int | None
    suite: str
    overdue: bool

    @property
    def state_name(self) -> str:
        """The state's Chinese name."""
        return STAGES[self.state].name

    @property
    def state_text(self) -> dict[str, str]:
        """The state's name, by language; it says so where nobody signed for the batch."""
        if self.suite not in SUITES and self.state in WITHOUT_RECEIPT:
            return {lang: text(f"unsigned.{self.state}", lang) for lang in LANGUAGES}
        return {"zh": STAGES[self.state].name, "en": self.state.replace("_", " ").lower()}

    @property
    def failure_text(self) -> dict[str, str]:
        """What the last failure means and what to do, by language; empty without one."""
        code = self.failure_code
        if code is None:
            return {"zh": "", "en": ""}
        known = {"batch": self.batch_id[:12], "bytes": self.body_bytes}
        return {lang: retell(code, self.failure_detail, lang, **known) for lang in LANGUAGES}

    @property
    def may_retry(self) -> bool:
        """Whether an operator can let it go on."""
        return BatchAct.RETRY in self.acts

    @property
    def acts(self) -> list[BatchAct]:
        """What a person may do to it now."""
        return possible_acts(self.state, self.maybe_sent)


class BatchFilter(NamedTuple):
    """Which batches are meant; what is empty holds nobody out."""

    target_id: str | None = None
    states: tuple[BatchState, ...] = ()
    codes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    business_dates: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class ReconciliationLine:
    """One kind of one business date as last compared."""

    business_date: str
    kind: str
    our_count: int
    their_count: int
    equal: bool
    expected: int
    missing_there: int
    missing_here: int
    differing: int
    checked_at: datetime


def list_batches(
    connection: Connection,
    now: datetime,
    target_id: str | None = None,
    states: Iterable[BatchState] | None = None,
    business_date: str | None = None,
    limit: int = 100,
    before_seq: int | None = None,
) -> list[BatchLine]:
    """Batches, newest first; ``before_seq`` goes on where a page ended."""
    query = select(batch).order_by(batch.c.seq.desc()).limit(limit)
    if target_id is not None:
        query = query.where(batch.c.target_id == target_id)
    if states is not None:
        query = query.where(batch.c.state.in_(list(states)))
    if business_date is not None:
        query = query.where(batch.c.business_date == business_date)
    if before_seq is not None:
        query = query.where(batch.c.seq < before_seq)
    return [BatchLine(**_line_columns(row._mapping, now)) for row in connection.execute(query)]


def troubled(connection: Connection, now: datetime, limit: int) -> list[BatchLine]:
    """Batches of all targets that stand still or need a person, newest first.

    One that was refused, whole or in part, is only told while a record of it waits in quarantine, or is held.
    """
    left = or_(batch.c.state.in_(list(TROUBLED)), and_(batch.c.state.in_(list(REFUSED)), _unresolved()))
    query = select(batch).where(left).order_by(batch.c.seq.desc(), batch.c.target_id).limit(limit)
    return [BatchLine(**_line_columns(row._mapping, now)) for row in connection.execute(query)]


def _unresolved() -> ColumnElement[bool]:
    """A record of the batch was refused and waits for a person."""
    waits = exists().where(
        quarantine.c.page_id == ledger_record.c.page_id,
        quarantine.c.page_index == ledger_record.c.page_index,
        quarantine.c.state == IN_QUARANTINE,
    )
    held = exists().where(
        delivery_hold.c.target_id == batch.c.target_id,
        delivery_hold.c.position == batch_record.c.position,
        delivery_hold.c.reason == batch_record.c.code,
    )
    return (
        exists()
        .where(
            batch_record.c.batch_number == batch.c.number,
            batch_record.c.code != SPLIT,  # its parts tell it
            ledger_record.c.position == batch_record.c.position,
            or_(waits, held),
        )
        .correlate(batch)
    )


def ids_where(connection: Connection, wanted: BatchFilter) -> list[str]:
    """Ids of the batches that are meant, in the order of sealing."""
    query = select(batch.c.batch_id).order_by(batch.c.target_id, batch.c.seq)
    if wanted.target_id is not None:
        query = query.where(batch.c.target_id == wanted.target_id)
    for column, values in (
        (batch.c.state, wanted.states),
        (batch.c.failure_code, wanted.codes),
        (batch.c.failure_class, wanted.classes),
        (batch.c.business_date, wanted.business_dates),
    ):
        if values:
            query = query.where(column.in_(list(values)))
    return list(connection.scalars(query))


def open_numbers(connection: Connection, target_id: str) -> set[int]:
    """Numbers of the sequence whose batches may still arrive."""
    query = select(batch.c.seq).where(batch.c.target_id == target_id, batch.c.state.in_(list(OPEN)))
    return set(connection.scalars(query))


def unmoved(connection: Connection, now: datetime, limit: int) -> list[BatchLine]:
    """Batches that a person must move, or that a machine has left longer than it may; oldest first.

    Waiting for the platform's word is counted from the send, since asking changes the state to and fro.
    """
    began = (
        select(func.max(batch_attempt.c.send_started_at))
        .where(batch_attempt.c.batch_id == batch.c.batch_id)
        .scalar_subquery()
    )
    conditions = []
    for state, stage in STAGES.items():
        if stage.sla is None or state in SETTLED:
            continue
        by = utc_naive(now - stage.sla)
        if stage.person:
            late: ColumnElement[bool] = true()
        elif state in (BatchState.AWAITING_RECEIPT, BatchState.UNCERTAIN):
            late = began <= by
        else:
            late = and_(batch.c.updated_at <= by, or_(batch.c.next_attempt_at.is_(None), batch.c.next_attempt_at <= by))
        conditions.append(and_(batch.c.state == state, late))
    query = select(batch).where(or_(*conditions)).order_by(batch.c.updated_at).limit(limit)
    return [BatchLine(**_line_columns(row._mapping, now)) for row in connection.execute(query)]


def count_by_state(connection: Connection, target_id: str | None = None) -> dict[BatchState, int]:
    """How many batches stand in each state that occurs."""
    query = select(batch.c.state, func.count()).group_by(batch.c.state)
    if target_id is not None:
        query = query.where(batch.c.target_id == target_id)
    return {BatchState(state): number for state, number in connection.execute(query)}


def show_batch(connection: Connection, batch_id: str, now: datetime) -> BatchDetail | None:
    """One batch with history, attempts, receipts and coded items; none when there is no such batch."""
    found = connection.execute(select(batch).where(batch.c.batch_id == batch_id)).first()
    if found is None:
        return None
    return BatchDetail(
        line=BatchLine(**_line_columns(found._mapping, now)),
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


def ids_like(connection: Connection, prefix: str) -> list[str]:
    """At most two ids that begin with ``prefix``: enough to tell one from several."""
    query = select(batch.c.batch_id).where(batch.c.batch_id.startswith(prefix.lower(), autoescape=True))
    return list(connection.scalars(query.order_by(batch.c.batch_id).limit(2)))


def list_reconciliations(connection: Connection, target_id: str, limit: int = 90) -> list[ReconciliationLine]:
    """The last comparisons, newest date first."""
    item = reconciliation_item
    differences = {
        (row.business_date, row.kind, row.difference): row.number
        for row in connection.execute(
            select(item.c.business_date, item.c.kind, item.c.difference, func.count().label("number"))
            .where(item.c.target_id == target_id)
            .group_by(item.c.business_date, item.c.kind, item.c.difference)
        )
    }
    found = connection.execute(
        select(reconciliation)
        .where(reconciliation.c.target_id == target_id)
        .order_by(reconciliation.c.business_date.desc(), reconciliation.c.kind)
        .limit(limit)
    )
    return [
        ReconciliationLine(
            business_date=row.business_date,
            kind=row.kind,
            our_count=row.our_count,
            their_count=row.their_count,
            equal=bool(row.equal),
            expected=row.expected,
            missing_there=differences.get((row.business_date, row.kind, "missing_there"), 0),
            missing_here=differences.get((row.business_date, row.kind, "missing_here"), 0),
            differing=differences.get((row.business_date, row.kind, "differing"), 0),
            checked_at=utc_aware(row.checked_at),
        )
        for row in found
    ]


def _line_columns(row: RowMapping, now: datetime) -> dict[str, Any]:
    stage = STAGES[BatchState(row["state"])]
    updated_at, next_attempt_at = utc_aware(row["updated_at"]), _aware(row["next_attempt_at"])
    waited = now - max(updated_at, next_attempt_at or updated_at)
    return {name: row[name] for name in _PLAIN} | {
        "state": BatchState(row["state"]),
        "acts_next": stage.acts_next,
        "created_at": utc_aware(row["created_at"]),
        "updated_at": updated_at,
        "next_attempt_at": next_attempt_at,
        "maybe_sent": bool(row["maybe_sent"]),
        "overdue": stage.sla is not None and waited > stage.sla,
    }


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
