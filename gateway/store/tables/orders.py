"""Work orders (工单) and their history."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, SmallInteger, String, Table, Text, UniqueConstraint

from gateway.store.tables.base import Moment, metadata

work_order = Table(
    "work_order",
    metadata,
    Column("order_id", String(32), primary_key=True),  # from evaluation key and cycle, so the same everywhere
    Column("evaluation_key", String(120), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("external_id", String(64), nullable=False, unique=True),  # committed before the first call
    Column("source_id", String(64), nullable=False),
    Column("area_code", String(12), nullable=False),
    Column("dept_code", String(18)),
    Column("satisfaction", SmallInteger, nullable=False),
    Column("state", String(2), nullable=False),  # list work_order_status
    Column("version", Integer, nullable=False, default=0),
    Column("remote_no", String(64)),
    Column("remote_status", String(32)),
    Column("remote_updated_at", Moment),
    Column("attempts", Integer, nullable=False, default=0),
    Column("not_found", Integer, nullable=False, default=0),  # "not found" answers in a row while unknown
    Column("next_attempt_at", Moment),
    Column("lease_until", Moment),
    Column("lease_token", Integer, nullable=False, default=0),
    Column("error_code", String(64)),
    Column("error_detail", Text),
    Column("received_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("due_rule", String(32), nullable=False),
    Column("reply", LargeBinary),  # the unit's answer, sealed by the vault
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("evaluation_key", "cycle", name="work_order_once"),
)
Index("work_order_by_state", work_order.c.state, work_order.c.next_attempt_at)

work_order_event = Table(
    "work_order_event",
    metadata,
    Column("order_id", String(32), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("event", String(32), nullable=False),
    Column("from_state", String(2)),
    Column("to_state", String(2), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("happened_at", Moment, nullable=False),
    Column("payload", Text),
)
