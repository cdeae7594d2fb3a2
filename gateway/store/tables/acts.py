"""What follows from batches that won't be delivered as they are, and acts that wait for a second person (处置)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from gateway.store.tables.base import Moment, metadata

void_notice = Table(  # a number of the sequence that no batch will fill; an outbox item of its own
    "void_notice",
    metadata,
    Column("batch_id", String(32), primary_key=True),
    Column("target_id", String(64), nullable=False),
    Column("stream", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("header_digest", String(64), nullable=False),
    Column("reason", String(64), nullable=False),  # a code, never a person's words: it leaves the house
    Column("state", String(16), nullable=False),  # waiting | void | accepted | taken | parked
    Column("notice", LargeBinary),  # signed when it is first sent; then these bytes
    Column("owed_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", Moment),
    Column("answered_at", Moment),
    Column("code", String(64)),  # the last failure
    UniqueConstraint("target_id", "stream", "seq", name="void_once"),
)
Index("void_notice_by_state", void_notice.c.target_id, void_notice.c.state)

bundle = Table(  # records of a divided batch that go together as the next one, and alone
    "bundle",
    metadata,
    Column("parent_batch_id", String(32), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("target_id", String(64), nullable=False),
    Column("made_at", Moment, nullable=False),
)
Index("bundle_by_age", bundle.c.target_id, bundle.c.made_at)

approval = Table(  # an act that one person asked for and another must confirm
    "approval",
    metadata,
    Column("approval_id", String(32), primary_key=True),
    Column("act", String(16), nullable=False),
    Column("details", Text, nullable=False),  # JSON: the batches, frozen, and what the act needs besides
    Column("batches", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_by", String(64), nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("decided_by", String(64)),
    Column("decided_at", Moment),
    Column("done_at", Moment),  # decided and not done: the second person's run was cut off, and may be repeated
)
Index("approval_by_time", approval.c.done_at, approval.c.asked_at)
