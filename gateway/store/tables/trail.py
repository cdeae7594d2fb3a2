"""What waits for its case, versions of sources, keys being changed (追溯)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from gateway.store.tables.base import Moment, metadata

parent_hold = Table(  # an evaluation whose case has not come: what it waits for; its row in quarantine is `held`
    "parent_hold",
    metadata,
    Column("page_id", String(32), primary_key=True),
    Column("page_index", Integer, primary_key=True),
    Column("source_id", String(64), nullable=False),
    Column("parent_key", String(120), nullable=False),
    Column("since", Moment, nullable=False),
)
Index("parent_hold_by_parent", parent_hold.c.parent_key)
Index("parent_hold_by_time", parent_hold.c.since)

source_revision = Table(  # of sources that number or date their versions: the newest one that the ledger holds
    "source_revision",
    metadata,
    Column("source_id", String(64), primary_key=True),
    Column("record_key", String(120), primary_key=True),
    Column("revision", String(40), nullable=False),  # sorts as text
    Column("position", BigInteger, nullable=False),
)

key_backfill = Table(  # how far the cells of one column have been sealed anew with a data key
    "key_backfill",
    metadata,
    Column("key_id", String(16), primary_key=True),
    Column("cell", String(64), primary_key=True),
    Column("after_row", Text),  # JSON of the last row's primary key; none: not begun
    Column("cells", BigInteger, nullable=False, default=0),
    Column("finished_at", Moment),
)
