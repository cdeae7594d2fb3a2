"""How pulling goes on: backfill windows, and what workers share of a connection."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, String, Table, Text

from gateway.store.tables.base import Moment, metadata

pull_window = Table(  # 补采: spans of time pulled beside the running cursor, each with a cursor of its own
    "pull_window",
    metadata,
    Column("source_id", String(64), primary_key=True),
    Column("since", Moment, primary_key=True),
    Column("until", Moment, primary_key=True),
    Column("state", String(8), nullable=False),  # open | done
    Column("cursor_text", Text),  # moves in the transaction that lands its page
    Column("cursor_version", Integer, nullable=False, default=0),
    Column("pages", Integer, nullable=False, default=0),
    Column("changed_at", Moment, nullable=False),
)

connection_turn = Table(  # 限速: when the next call over a connection falls due
    "connection_turn",
    metadata,
    Column("connection_id", String(64), primary_key=True),
    Column("due", Float(53), nullable=False),  # seconds since the epoch
)

connection_slot = Table(  # 并行: who pulls over a connection; a slot whose time has passed is free
    "connection_slot",
    metadata,
    Column("connection_id", String(64), primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("holder", String(32), nullable=False),
    Column("until", BigInteger, nullable=False),  # milliseconds since the epoch
)
