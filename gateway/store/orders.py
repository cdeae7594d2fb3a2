"""Work orders (工单): claimed by lease, moved by guarded updates, every move with its event row.

A move is ``UPDATE … WHERE order_id = ? AND state = ? AND version = ? AND lease_token = ?`` plus the event, in the
caller's transaction; whoever lost the race gets ``order.moved`` and leaves the order to the winner.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, or_, select, update

from gateway.crash import reach
from gateway.domain.order import Event, State, advance
from gateway.errors import Transient
from gateway.store.tables import work_order, work_order_event

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """One row. Moments are UTC without zone."""

    order_id: str
    evaluation_key: str
    cycle: int
    external_id: str
    source_id: str
    area_code: str
    dept_code: str | None
    satisfaction: int
    state: State
    version: int
    remote_no: str | None
    remote_status: str | None
    remote_updated_at: datetime | None
    attempts: int
    not_found: int
    next_attempt_at: datetime | None
    lease_token: int
    error_code: str | None
    error_detail: str | None
    received_at: datetime
    due_at: datetime
    due_rule: str
    reply: bytes | None = field(repr=False)  # sealed
    updated_at: datetime


COLUMNS = [work_order.c[name] for name in WorkOrder.__dataclass_fields__]


def due_for_dispatch(transaction: Connection, now: datetime, limit: int) -> list[str]:
    """Ids of orders to be called for: waiting or unknown, their time come, nobody at work on them; oldest first."""
    order = work_order.c
    rows = transaction.execute(
        select(order.order_id)
        .where(
            order.state.in_([State.PENDING_DISPATCH, State.DISPATCHING_UNKNOWN]),
            or_(order.next_attempt_at.is_(None), order.next_attempt_at <= now),
            or_(order.lease_until.is_(None), order.lease_until <= now),
        )
        .order_by(order.received_at, order.order_id)
        .limit(limit)
    )
    return list(rows.scalars())


def claim(transaction: Connection, order_id: str, now: datetime, seconds: float) -> WorkOrder | None:
    """Take the lease of a due order; none if another took it or it is due no longer. The token fences late writers."""
    order = work_order.c
    taken = transaction.execute(
        update(work_order)
        .where(
            order.order_id == order_id,
            order.state.in_([State.PENDING_DISPATCH, State.DISPATCHING_UNKNOWN]),
            or_(order.next_attempt_at.is_(None), order.next_attempt_at <= now),
            or_(order.lease_until.is_(None), order.lease_until <= now),
        )
        .values(lease_until=now + timedelta(seconds=seconds), lease_token=order.lease_token + 1)
    )
    return get(transaction, order_id) if taken.rowcount == 1 else None


def get(transaction: Connection, order_id: str) -> WorkOrder | None:
    """The order as it stands."""
    row = transaction.execute(select(*COLUMNS).where(work_order.c.order_id == order_id)).mappings().first()
    return None if row is None else _order(row)


def by_external_ids(
    transaction: Connection, external_ids: Collection[str], *, lock: bool = False
) -> dict[str, WorkOrder]:
    """Orders by the id that they carry at 12345, on demand locked; what is not ours is not in the answer."""
    query = select(*COLUMNS).where(work_order.c.external_id.in_(list(external_ids)))
    query = query.order_by(work_order.c.order_id)  # one order of locking, so that two runs can't wait for each other
    rows = transaction.execute(query.with_for_update() if lock else query).mappings()
    return {row["external_id"]: _order(row) for row in rows}


def move(
    transaction: Connection,
    order: WorkOrder,
    event: Event,
    now: datetime,
    changes: Mapping[str, Any] | None = None,
    *,
    to: State | None = None,
    actor: str = SYSTEM,
    payload: Mapping[str, Any] | None = None,
    release: bool = False,
) -> WorkOrder:
    """Apply ``event`` and set the columns in ``changes``; ``release`` gives the lease back. Returns the order after it.

    ``payload`` goes into the event row and must hold no personal data. Raises ``Rejected('order.illegal_transition')``
    and ``Transient('order.moved')`` if somebody else moved it meanwhile; the transaction must then be given up.
    """
    after = advance(order.state, event, to)
    _guarded(transaction, order, now, {"state": after, **(changes or {}), **({"lease_until": None} if release else {})})
    reach("order.moved")
    seq = transaction.execute(
        select(func.coalesce(func.max(work_order_event.c.seq), 0) + 1).where(
            work_order_event.c.order_id == order.order_id
        )
    ).scalar_one()
    transaction.execute(
        insert(work_order_event).values(
            order_id=order.order_id,
            seq=seq,
            event=event,
            from_state=order.state,
            to_state=after,
            actor=actor,
            happened_at=now,
            payload=None if payload is None else json.dumps(dict(payload), ensure_ascii=False, sort_keys=True),
        )
    )
    return _reread(transaction, order.order_id)


def note(transaction: Connection, order: WorkOrder, now: datetime, changes: Mapping[str, Any]) -> WorkOrder:
    """Set columns without moving the order: what 12345 said that changes no state. Raises like :func:`move`."""
    _guarded(transaction, order, now, changes)
    return _reread(transaction, order.order_id)


def event_moments(transaction: Connection, order_id: str) -> dict[str, datetime]:
    """When each state was entered last, by state code; for the times that a rectification reports."""
    rows = transaction.execute(
        select(work_order_event.c.to_state, func.max(work_order_event.c.happened_at))
        .where(work_order_event.c.order_id == order_id)
        .group_by(work_order_event.c.to_state)
    )
    return {row.to_state: row[1] for row in rows}


def _guarded(transaction: Connection, order: WorkOrder, now: datetime, values: Mapping[str, Any]) -> None:
    held = work_order.c
    moved = transaction.execute(
        update(work_order)
        .where(
            held.order_id == order.order_id,
            held.state == order.state,
            held.version == order.version,
            held.lease_token == order.lease_token,
        )
        .values(version=order.version + 1, updated_at=now, **values)
    )
    if moved.rowcount != 1:
        raise Transient("order.moved", order=order.order_id)


def _reread(transaction: Connection, order_id: str) -> WorkOrder:
    row = transaction.execute(select(*COLUMNS).where(work_order.c.order_id == order_id)).mappings().one()
    return _order(row)


def _order(row: RowMapping) -> WorkOrder:
    return WorkOrder(**{**row, "state": State(row["state"])})
