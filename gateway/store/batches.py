"""Batches: guarded steps, claims with lease and fencing token, attempts, the sweep of lapsed leases.

Every change of state is one ``UPDATE … WHERE batch_id AND state [AND lease_token]`` and one history row in the same
transaction; when no row answers, ``Transient('batch.stale')`` rolls everything back (I1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from gateway.crash import reach
from gateway.domain.batch import LET_GO, OPEN, BatchEvent, BatchState, next_state
from gateway.errors import Transient
from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import batch, batch_attempt, batch_event


class BatchRow(NamedTuple):
    """What the stages need to know of a batch to send it, ask for it and judge its receipt. Times are aware."""

    batch_id: str
    target_id: str
    stream: str
    seq: int
    suite: str
    state: BatchState
    business_date: str
    created_at: datetime
    expires_at: datetime
    record_count: int
    header_digest: str
    merkle_root: str
    body_digest: str
    attempts: int
    maybe_sent: bool
    window_started_at: datetime
    lease_token: int
    updated_at: datetime


NO_CAUSE = {"failure_class": None, "failure_code": None, "failure_detail": None}
_COLUMNS = tuple(batch.c[name] for name in BatchRow._fields)
_ALL_DUE = (
    select(*_COLUMNS)
    .where(
        batch.c.target_id == bindparam("of_target"),
        batch.c.state.in_(bindparam("in_states", expanding=True)),
        or_(batch.c.next_attempt_at.is_(None), batch.c.next_attempt_at <= bindparam("by_now")),
    )
    .order_by(batch.c.seq)
)
_DUE = _ALL_DUE.limit(bindparam("at_most", type_=Integer))
_WRITE_EVENT = insert(batch_event).values(  # made once: building a statement costs more than sending it
    seq=select(func.coalesce(func.max(batch_event.c.seq), 0) + 1)
    .where(batch_event.c.batch_id == bindparam("of_batch"))
    .scalar_subquery(),
)
_TIMES = ("created_at", "expires_at", "window_started_at", "updated_at")


def lock_batch(connection: Connection, batch_id: str) -> BatchRow | None:
    """The batch as it stands, kept so until the transaction ends."""
    found = connection.execute(select(*_COLUMNS).where(batch.c.batch_id == batch_id).with_for_update()).first()
    return None if found is None else _row(found)


def read_batch(connection: Connection, batch_id: str) -> BatchRow | None:
    """The batch as it stands; it may move on at once."""
    found = select_batches(connection, batch.c.batch_id == batch_id)
    return found[0] if found else None


def state_of(connection: Connection, batch_id: str) -> BatchState | None:
    """Where the batch stands just now; none when there is no such batch."""
    found = connection.scalar(select(batch.c.state).where(batch.c.batch_id == batch_id))
    return None if found is None else BatchState(found)


def due(
    connection: Connection, target_id: str, states: Iterable[BatchState], now: datetime, limit: int | None = None
) -> list[BatchRow]:
    """Batches in ``states`` whose time has come, in the order of sealing."""
    asked: dict[str, Any] = {"of_target": target_id, "in_states": list(states), "by_now": utc_naive(now)}
    if limit is None:
        return [_row(row) for row in connection.execute(_ALL_DUE, asked)]
    return [_row(row) for row in connection.execute(_DUE, asked | {"at_most": limit})]


def parked_unproven(connection: Connection, target_id: str, now: datetime, longest: timedelta) -> list[BatchRow]:
    """Batches that wait for a person and may have reached the platform: their status is asked too.

    None is put off for more than ``longest``, but by a clock that ran ahead; such a one is due.
    """
    parked = [BatchState.SUSPENDED, BatchState.INTERRUPTED, BatchState.FAILED]
    its_time = or_(_due(now), batch.c.next_attempt_at > literal(utc_naive(now + longest)))
    return select_batches(
        connection, batch.c.target_id == target_id, batch.c.state.in_(parked), batch.c.maybe_sent == 1, its_time
    )


def suspended(connection: Connection, target_id: str, *, but: str = "", causes: Iterable[str] = ()) -> list[BatchRow]:
    """A target's suspended batches: all but those with cause ``but``, or only those with one of ``causes``."""
    code = batch.c.failure_code
    chosen = code.in_(list(causes)) if causes else or_(code.is_(None), code != but)
    return select_batches(connection, batch.c.target_id == target_id, batch.c.state == BatchState.SUSPENDED, chosen)


def in_states(
    connection: Connection, target_id: str, states: Iterable[BatchState], since: datetime | None = None
) -> list[BatchRow]:
    """A target's batches in ``states``; ``since``: only those that entered it by then."""
    conditions = [batch.c.target_id == target_id, batch.c.state.in_(list(states))]
    if since is not None:
        conditions.append(batch.c.updated_at <= utc_naive(since))
    return select_batches(connection, *conditions)


def expired(connection: Connection, target_id: str, now: datetime) -> list[BatchRow]:
    """Parked batches whose envelope has expired and that the platform surely hasn't got (row 26)."""
    parked = [BatchState.SUSPENDED, BatchState.FAILED]
    of_target = (batch.c.target_id == target_id, batch.c.state.in_(parked))
    return select_batches(connection, *of_target, batch.c.maybe_sent == 0, batch.c.expires_at <= utc_naive(now))


def select_batches(
    connection: Connection, *conditions: ColumnElement[bool], limit: int | None = None
) -> list[BatchRow]:
    """Batches that meet ``conditions``, in the order of sealing; for the modules of this room."""
    found = connection.execute(select(*_COLUMNS).where(*conditions).order_by(batch.c.seq).limit(limit))
    return [_row(row) for row in found]


def step(
    connection: Connection,
    row: BatchRow,
    event: BatchEvent,
    at: datetime,
    actor: str,
    *,
    detail: str | None = None,
    next_attempt_at: datetime | None = None,
    changes: Mapping[str, Any] | None = None,
) -> BatchState:
    """Take ``row`` over by ``event`` and write its history; the row must still be as it was read.

    ``Transient('batch.stale')`` if another worker was faster; ``Bug('batch.step_impossible')``.
    """
    to = next_state(row.state, event)
    taken = connection.execute(
        update(batch)
        .where(batch.c.batch_id == row.batch_id, batch.c.state == row.state, batch.c.lease_token == row.lease_token)
        .values(
            state=to,
            updated_at=utc_naive(at),
            next_attempt_at=None if next_attempt_at is None else utc_naive(next_attempt_at),
            **(NO_CAUSE if event in LET_GO else {}),
            **(changes or {}),
        )
    )
    if taken.rowcount != 1:
        raise Transient("batch.stale", batch=row.batch_id, state=str(row.state))
    reach("batch.moved")
    write_event(connection, row.batch_id, event, row.state, to, at, actor, detail)
    return to


def write_event(
    connection: Connection,
    batch_id: str,
    event: str,
    before: str | None,
    after: str,
    at: datetime,
    actor: str,
    detail: str | None,
) -> None:
    """One history row, numbered after the batch's last; the caller holds the batch's row."""
    connection.execute(
        _WRITE_EVENT,
        {
            "of_batch": batch_id,
            "batch_id": batch_id,
            "event": event,
            "from_state": before,
            "to_state": after,
            "actor": actor,
            "happened_at": utc_naive(at),
            "detail": detail,
        },
    )


def postpone(connection: Connection, row: BatchRow, until: datetime, **changes: Any) -> None:
    """Look again at ``until``; the state stays."""
    connection.execute(
        update(batch)
        .where(batch.c.batch_id == row.batch_id, batch.c.state == row.state, batch.c.lease_token == row.lease_token)
        .values(next_attempt_at=utc_naive(until), **changes)
    )


def claim(connection: Connection, row: BatchRow, now: datetime, lease: timedelta, worker: str) -> BatchRow:
    """Row 4: take a queued batch for ``lease`` under a new token, which is also the number of the attempt it opens."""
    token = row.lease_token + 1
    first: dict[str, Any] = {"window_started_at": utc_naive(now)} if row.attempts == 0 else {}
    taken = {"lease_token": token, "lease_until": utc_naive(now + lease), "worker": worker}
    step(connection, row, BatchEvent.CLAIMED, now, worker, changes=taken | first)
    connection.execute(
        insert(batch_attempt).values(
            batch_id=row.batch_id,
            attempt=token,
            lease_token=token,
            started_at=utc_naive(now),
            request_digest=row.body_digest,
        )
    )
    return row._replace(state=BatchState.SENDING, lease_token=token)


def start_sending(connection: Connection, row: BatchRow, now: datetime) -> None:
    """Commit this before the first byte leaves: from here on the platform may have the batch (I11, row 8).

    ``Transient('batch.stale')`` when the lease is no longer ours.
    """
    held = connection.execute(
        update(batch)
        .where(
            batch.c.batch_id == row.batch_id,
            batch.c.state == BatchState.SENDING,
            batch.c.lease_token == row.lease_token,
            batch.c.lease_until > utc_naive(now),
        )
        .values(maybe_sent=1)
    )
    if held.rowcount != 1:
        raise Transient("batch.stale", batch=row.batch_id, state=str(row.state))
    connection.execute(
        update(batch_attempt).where(_attempt_of(row)).values(send_started_at=utc_naive(now)),
    )


def renew(connection: Connection, row: BatchRow, until: datetime) -> bool:
    """The heartbeat: keep the lease until then; false when it is no longer ours."""
    kept = connection.execute(
        update(batch)
        .where(
            batch.c.batch_id == row.batch_id,
            batch.c.state == BatchState.SENDING,
            batch.c.lease_token == row.lease_token,
        )
        .values(lease_until=utc_naive(until))
    )
    return kept.rowcount == 1


def finish_attempt(
    connection: Connection, row: BatchRow, at: datetime, outcome: str, http_status: int | None, code: str | None
) -> None:
    connection.execute(
        update(batch_attempt)
        .where(_attempt_of(row))
        .values(finished_at=utc_naive(at), outcome=outcome, http_status=http_status, code=code)
    )


def lapsed(connection: Connection, target_id: str, now: datetime) -> list[tuple[BatchRow, bool]]:
    """Batches whose sender let its lease lapse, each with whether its attempt had begun to send (rows 8, 9)."""
    begun = exists().where(
        batch_attempt.c.batch_id == batch.c.batch_id,
        batch_attempt.c.attempt == batch.c.lease_token,
        batch_attempt.c.send_started_at.is_not(None),
    )
    found = connection.execute(
        select(*_COLUMNS, begun.label("begun"))
        .where(
            batch.c.target_id == target_id,
            batch.c.state == BatchState.SENDING,
            batch.c.lease_until <= utc_naive(now),
        )
        .order_by(batch.c.seq)
    )
    return [(_row(row), bool(row.begun)) for row in found]


def last_send_started_at(connection: Connection, batch_id: str) -> datetime | None:
    """When the last attempt that began to send did so."""
    found = connection.execute(
        select(func.max(batch_attempt.c.send_started_at)).where(batch_attempt.c.batch_id == batch_id)
    ).scalar()
    return None if found is None else utc_aware(found)


def restart_windows(connection: Connection, target_id: str, now: datetime) -> None:
    """A target that stood still begins its retry windows anew: standing still uses nothing up (I7)."""
    connection.execute(
        update(batch)
        .where(batch.c.target_id == target_id, batch.c.state.in_(list(OPEN)))
        .values(window_started_at=utc_naive(now))
    )


def _attempt_of(row: BatchRow) -> ColumnElement[bool]:
    return and_(batch_attempt.c.batch_id == row.batch_id, batch_attempt.c.attempt == row.lease_token)


def _due(now: datetime) -> ColumnElement[bool]:
    return or_(batch.c.next_attempt_at.is_(None), batch.c.next_attempt_at <= literal(utc_naive(now)))


def _row(found: Any) -> BatchRow:
    values = dict(zip(BatchRow._fields, found, strict=False))
    values.update({name: utc_aware(values[name]) for name in _TIMES})
    return BatchRow(**values | {"state": BatchState(values["state"]), "maybe_sent": bool(values["maybe_sent"])})
