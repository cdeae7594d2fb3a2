"""Batches as lines of a list, newest first unless it says otherwise. Plain dataclasses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, exists, func, or_, select, true

from gateway.crypto.suites import SUITES
from gateway.domain.batch import SETTLED, STAGES, BatchState
from gateway.domain.batch_act import BatchAct, possible_acts
from gateway.messages import LANGUAGES, retell, text
from gateway.store.bundles import SPLIT
from gateway.store.database import utc_aware, utc_naive
from gateway.store.quarantine import OPEN as IN_QUARANTINE
from gateway.store.tables import batch, batch_attempt, batch_record, delivery_hold, ledger_record, quarantine

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
    return _lines(connection, query, now)


def troubled(connection: Connection, now: datetime, limit: int) -> list[BatchLine]:
    """Batches of all targets that stand still or need a person, newest first.

    One that was refused, whole or in part, is only told while a record of it waits in quarantine, or is held.
    """
    left = or_(batch.c.state.in_(list(TROUBLED)), and_(batch.c.state.in_(list(REFUSED)), _unresolved()))
    query = select(batch).where(left).order_by(batch.c.seq.desc(), batch.c.target_id).limit(limit)
    return _lines(connection, query, now)


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
    return _lines(connection, query, now)


def count_by_state(connection: Connection, target_id: str | None = None) -> dict[BatchState, int]:
    """How many batches stand in each state that occurs."""
    query = select(batch.c.state, func.count()).group_by(batch.c.state)
    if target_id is not None:
        query = query.where(batch.c.target_id == target_id)
    return {BatchState(state): number for state, number in connection.execute(query)}


def _lines(connection: Connection, query: Select[Any], now: datetime) -> list[BatchLine]:
    return [batch_line(row._mapping, now) for row in connection.execute(query)]


def batch_line(row: RowMapping, now: datetime) -> BatchLine:
    """A row of ``batch`` as a line."""
    stage = STAGES[BatchState(row["state"])]
    due = row["next_attempt_at"]
    updated_at, next_attempt_at = utc_aware(row["updated_at"]), None if due is None else utc_aware(due)
    waited = now - max(updated_at, next_attempt_at or updated_at)
    return BatchLine(
        **{name: row[name] for name in _PLAIN},
        state=BatchState(row["state"]),
        acts_next=stage.acts_next,
        created_at=utc_aware(row["created_at"]),
        updated_at=updated_at,
        next_attempt_at=next_attempt_at,
        maybe_sent=bool(row["maybe_sent"]),
        overdue=stage.sla is not None and waited > stage.sla,
    )
