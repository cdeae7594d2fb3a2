"""The ledger (台账), what it refused and what it repeats."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from gateway.store.tables.base import Moment, metadata

counter = Table(  # locking its row orders the writers, so that positions become visible in ascending order
    "counter",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

ledger_record = Table(  # append-only: a correction is a further version
    "ledger_record",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),  # service | evaluation | rectification
    Column("record_key", String(120), nullable=False),
    Column("version", Integer, nullable=False),
    Column("parent_key", String(120)),
    Column("source_id", String(64), nullable=False),
    Column("page_id", String(32)),  # none for records that the gateway writes itself (rectification)
    Column("page_index", Integer),
    Column("area_code", String(12)),
    Column("dept_code", String(18)),
    Column("task_code", String(31)),
    Column("satisfaction", SmallInteger),
    Column("channel", String(1)),
    Column("origin", String(16)),
    Column("service_stage", String(16)),
    Column("event_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),  # SM3 of the wire form as a first version: decides "unchanged"
    Column("content", Text, nullable=False),  # the data on the wire without what is personal, JSON
    Column("personal", LargeBinary),  # what is personal, JSON, one packed blob sealed by the vault
    Column("warnings", Text),  # JSON list of problem codes with severity W
    UniqueConstraint("kind", "record_key", "version", name="ledger_record_once"),
)

duplicate = Table(
    "duplicate",
    metadata,
    Column("page_id", String(32), primary_key=True),
    Column("page_index", Integer, primary_key=True),
    Column("source_id", String(64), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("record_key", String(120)),  # what it repeats: a ledger record,
    Column("first_position", BigInteger),
    Column("first_page_id", String(32)),  # or a refused record that was in quarantine when this one came
    Column("first_page_index", Integer),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("page_id", String(32), primary_key=True),
    Column("page_index", Integer, primary_key=True),  # -1: the page as a whole could not be read
    Column("source_id", String(64), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("state", String(16), nullable=False),  # open | held (for its case) | released | duplicate | superseded
    Column("closed_at", Moment),
    Column("raw_digest", LargeBinary(32)),  # SM3 of the raw record; none for a whole page
    Column("record_key", String(120)),  # of the record that it would have become, where that can be read
    Column("detail", LargeBinary, nullable=False),  # all problems with raw values, sealed by the vault
)
Index("quarantine_by_state", quarantine.c.state, quarantine.c.source_id)
Index("quarantine_by_digest", quarantine.c.source_id, quarantine.c.raw_digest)
Index("quarantine_by_key", quarantine.c.source_id, quarantine.c.record_key)

quarantine_problem = Table(  # what holds a record back (E, H), without any value: countable, showable
    "quarantine_problem",
    metadata,
    Column("page_id", String(32), primary_key=True),
    Column("page_index", Integer, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("code", String(64), nullable=False),
    Column("field", String(64), nullable=False),
    Column("source_path", String(200), nullable=False),
)
