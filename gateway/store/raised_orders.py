"""Work orders (工单) raised by negative evaluations, in the very transaction that stores the evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from gateway.crypto.digest import sm3
from gateway.domain.deadline import DEFAULT_RULE, due_at
from gateway.domain.order_identity import external_id, order_id
from gateway.mapping.entry import Entry
from gateway.store import bulk
from gateway.store.database import utc_aware, utc_naive
from gateway.store.ledger import Row

NEGATIVE = (1, 2)
FIRST_CYCLE = 1
PENDING_CORRECTION, PENDING_DISPATCH = "05", "10"  # no unit is known; a unit is known
RAISED = "negative_received"
ORDER_COLUMNS = (
    *("order_id", "evaluation_key", "cycle", "external_id", "source_id", "area_code", "dept_code", "satisfaction"),
    *("state", "version", "attempts", "not_found", "lease_token", "received_at", "due_at", "due_rule", "updated_at"),
)
EVENT_COLUMNS = ("order_id", "seq", "event", "to_state", "actor", "happened_at")


class Negative(NamedTuple):
    """A newly stored evaluation of satisfaction 1 or 2 (差评)."""

    row: Row
    source_id: str
    area_code: str
    received_at: datetime  # UTC, without zone; the deadline runs from here


def is_negative(entry: Entry) -> bool:
    return entry.satisfaction in NEGATIVE and entry.kind == "evaluation"


def raise_orders(transaction: Connection, negatives: Sequence[Negative], now: datetime) -> int:
    """Write the first cycle's order and its first event for each evaluation that has none; how many were written.

    A correction of an evaluation that was negative before finds its order there and leaves it alone.
    """
    by_id = {order_id(sm3, one.row.entry.key, FIRST_CYCLE): one for one in negatives}
    corrected = [identity for identity, one in by_id.items() if one.row.version > 1]
    there = bulk.select_in(transaction, "work_order", ("order_id",), {}, "order_id", corrected) if corrected else []
    for (identity,) in there:
        del by_id[identity]
    moment = utc_naive(now)
    bulk.insert(transaction, "work_order", ORDER_COLUMNS, [_order(i, one, moment) for i, one in by_id.items()])
    events = [(identity, 1, RAISED, _first_state(one), "system", moment) for identity, one in by_id.items()]
    bulk.insert(transaction, "work_order_event", EVENT_COLUMNS, events)
    return len(by_id)


def _order(identity: str, negative: Negative, now: datetime) -> bulk.Row:
    record = negative.row.entry
    outside = external_id(sm3, record.key, FIRST_CYCLE, negative.area_code)
    due = utc_naive(due_at(utc_aware(negative.received_at)))
    return (
        *(identity, record.key, FIRST_CYCLE, outside, negative.source_id, negative.area_code, record.dept_code),
        *(
            record.satisfaction,
            _first_state(negative),
            0,
            0,
            0,
            0,
            negative.received_at,
            due,
            DEFAULT_RULE.rule_id,
            now,
        ),
    )


def _first_state(negative: Negative) -> str:
    return PENDING_DISPATCH if negative.row.entry.dept_code else PENDING_CORRECTION
