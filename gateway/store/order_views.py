"""Work orders as operators see them: lists, one order with its history, counts. Overdue (超期) is computed here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, func, select

from gateway.domain.order import FACES, TERMINAL, State, is_overdue
from gateway.store.tables import work_order, work_order_event

ENDED = sorted(TERMINAL | {State.MERGED})
SHOWN = [
    work_order.c[name]
    for name in (
        "order_id",
        "evaluation_key",
        "cycle",
        "external_id",
        "source_id",
        "area_code",
        "dept_code",
        "satisfaction",
        "state",
        "remote_no",
        "remote_status",
        "attempts",
        "next_attempt_at",
        "error_code",
        "error_detail",
        "received_at",
        "due_at",
        "updated_at",
    )
]


@dataclass(frozen=True, slots=True)
class OrderView:
    """One line of the list; no personal data. Moments are UTC without zone."""

    order_id: str
    evaluation_key: str
    cycle: int
    external_id: str
    source_id: str
    area_code: str
    dept_code: str | None
    satisfaction: int
    state: str
    remote_no: str | None
    remote_status: str | None
    attempts: int
    next_attempt_at: datetime | None
    error_code: str | None
    error_detail: str | None
    received_at: datetime
    due_at: datetime
    updated_at: datetime
    overdue: bool
    state_name: str
    next_actor: str | None


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One line of an order's history."""

    seq: int
    event: str
    from_state: str | None
    to_state: str
    actor: str
    happened_at: datetime
    payload: str | None


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many orders stand in a state, and how many of them are overdue."""

    state: str
    state_name: str
    orders: int
    overdue: int


def list_orders(
    transaction: Connection,
    now: datetime,
    *,
    state: str | None = None,
    area_prefix: str | None = None,
    overdue: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> list[OrderView]:
    """Orders by due time, the most pressing first. ``area_prefix``: leading digits of the region's code."""
    order = work_order.c
    query: Select[Any] = select(*SHOWN).order_by(order.due_at, order.order_id)
    if state is not None:
        query = query.where(order.state == state)
    if area_prefix:
        query = query.where(order.area_code.startswith(area_prefix, autoescape=True))
    if overdue:
        query = query.where(order.due_at < now, order.state.not_in(ENDED))
    return [_view(row, now) for row in transaction.execute(query.limit(limit).offset(offset))]


def show_order(transaction: Connection, order_id: str, now: datetime) -> tuple[OrderView, list[OrderEvent]] | None:
    """One order and its history, oldest first. ``order_id`` may also be the external id or the number at 12345."""
    order = work_order.c
    row = transaction.execute(
        select(*SHOWN).where(
            (order.order_id == order_id) | (order.external_id == order_id) | (order.remote_no == order_id)
        )
    ).first()
    if row is None:
        return None
    event = work_order_event.c
    history = transaction.execute(
        select(
            event.seq,
            event.event,
            event.from_state,
            event.to_state,
            event.actor,
            event.happened_at,
            event.payload,
        )
        .where(event.order_id == row.order_id)
        .order_by(event.seq)
    )
    return _view(row, now), [OrderEvent(*line) for line in history]


def count_by_state(transaction: Connection, now: datetime) -> list[StateCount]:
    """Only states that hold orders, by code."""
    order = work_order.c
    late = and_(order.due_at < now, order.state.not_in(ENDED))
    rows = transaction.execute(
        select(order.state, func.count(), func.sum(case((late, 1), else_=0)))
        .group_by(order.state)
        .order_by(order.state)
    )
    return [StateCount(state, FACES[State(state)].name, orders, int(overdue)) for state, orders, overdue in rows]


def _view(row: Row[Any], now: datetime) -> OrderView:
    face = FACES[State(row.state)]
    return OrderView(
        **row._mapping, overdue=is_overdue(row.state, row.due_at, now), state_name=face.name, next_actor=face.next_actor
    )
