"""What goes to a platform (上报), and what came back."""

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

target_state = Table(  # one row per receiving platform: suspension and the persisted breaker
    "target_state",
    metadata,
    Column("target_id", String(64), primary_key=True),
    Column("suspended_code", String(64)),
    Column("suspended_detail", Text),
    Column("suspended_at", Moment),
    Column("breaker", String(16), nullable=False, default="closed"),  # closed | open | half_open
    Column("failures", Integer, nullable=False, default=0),
    Column("opened_at", Moment),
    Column("last_success_at", Moment),
    Column("last_error_code", String(64)),
    Column("last_error_detail", Text),
    Column("position", BigInteger, nullable=False, default=0),  # ledger positions up to here are batched or held
    Column("failing_since", Moment),  # when the breaker opened first, until it closes
    Column("refusals", Integer, nullable=False, server_default="0"),  # batches refused for good, in a row
    Column("maintenance_from", Moment),  # the next or present window in which nothing is sent
    Column("maintenance_until", Moment),
    Column("maintenance_reason", Text),
)

stream = Table(  # the sequence of one (target, stream): its row is locked while a batch is sealed
    "stream",
    metadata,
    Column("target_id", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("last_digest", String(64), nullable=False),
    Column("checked_at", Moment),  # when the end of the sequence was last compared with the platform's
)

batch = Table(
    "batch",
    metadata,
    Column("batch_id", String(32), primary_key=True),
    Column("number", BigInteger, nullable=False),  # stands for the id in batch_record; nobody outside ever sees it
    Column("target_id", String(64), nullable=False),
    Column("stream", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("suite", String(16), nullable=False),
    Column("state", String(24), nullable=False),  # see gateway.domain.batch
    Column("business_date", String(10), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("record_count", Integer, nullable=False),
    Column("header_digest", String(64), nullable=False),
    Column("content_digest", String(64), nullable=False),
    Column("merkle_root", String(64), nullable=False),
    Column("body_digest", String(64), nullable=False),
    Column("body_bytes", Integer, nullable=False),
    Column("sender_key_id", String(16), nullable=False),
    Column("recipient_key_id", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("maybe_sent", SmallInteger, nullable=False, default=0),
    Column("window_started_at", Moment, nullable=False),
    Column("next_attempt_at", Moment),
    Column("lease_until", Moment),
    Column("lease_token", Integer, nullable=False, default=0),
    Column("worker", String(100)),
    Column("failure_class", String(24)),
    Column("failure_code", String(64)),
    Column("failure_detail", Text),
    Column("accepted", Integer),
    Column("duplicates", Integer),
    Column("rejected", Integer),
    Column("parent_batch_id", String(32)),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("target_id", "stream", "seq", name="batch_once"),
    UniqueConstraint("number", name="batch_number_once"),
)
Index("batch_by_state", batch.c.state, batch.c.next_attempt_at)
Index("batch_by_date", batch.c.target_id, batch.c.business_date)

batch_body = Table(  # the sealed bytes; every retry sends these
    "batch_body",
    metadata,
    Column("batch_id", String(32), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

batch_record = Table(  # the one row that delivery writes for each record, so a narrow one
    "batch_record",
    metadata,
    Column("batch_number", BigInteger, primary_key=True, autoincrement=False),
    Column("item", Integer, primary_key=True),  # index in the content, from 0
    Column("position", BigInteger, nullable=False),
    Column("record_digest", LargeBinary(32)),  # SM3 of the record's wire bytes; none: the ledger's digest is the same
    Column("code", String(32)),  # the receipt's item code; none: accepted with the batch
)
Index("batch_record_by_position", batch_record.c.position)

batch_attempt = Table(
    "batch_attempt",
    metadata,
    Column("batch_id", String(32), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("lease_token", Integer, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("send_started_at", Moment),  # committed before the first byte leaves
    Column("finished_at", Moment),
    Column("outcome", String(24)),
    Column("http_status", Integer),
    Column("code", String(64)),
    Column("request_digest", String(64)),
)

batch_event = Table(
    "batch_event",
    metadata,
    Column("batch_id", String(32), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("event", String(32), nullable=False),
    Column("from_state", String(24)),
    Column("to_state", String(24), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("happened_at", Moment, nullable=False),
    Column("detail", Text),
)

receipt = Table(
    "receipt",
    metadata,
    Column("batch_id", String(32), primary_key=True),
    Column("raw_digest", String(64), primary_key=True),
    Column("receipt_id", String(64), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("valid", SmallInteger, nullable=False),
    Column("reason", String(64)),
    Column("first_seen_at", Moment, nullable=False),
    Column("seen", Integer, nullable=False, default=1),
)

delivery_hold = Table(  # records that wait: for their parent, or for a person
    "delivery_hold",
    metadata,
    Column("target_id", String(64), primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("reason", String(32), nullable=False),
    Column("since", Moment, nullable=False),
)

reconciliation = Table(
    "reconciliation",
    metadata,
    Column("target_id", String(64), primary_key=True),
    Column("business_date", String(10), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("our_count", Integer, nullable=False),
    Column("our_digest", String(64), nullable=False),
    Column("their_count", Integer, nullable=False),
    Column("their_digest", String(64), nullable=False),
    Column("equal", SmallInteger, nullable=False),
    Column("expected", Integer, nullable=False, default=0),  # records in batches not settled yet
    Column("checked_at", Moment, nullable=False),
)

reconciliation_item = Table(
    "reconciliation_item",
    metadata,
    Column("target_id", String(64), primary_key=True),
    Column("business_date", String(10), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("record_key", String(120), primary_key=True),
    Column("difference", String(16), nullable=False),  # missing_there | missing_here | differing
    Column("our_version", Integer),
    Column("our_digest", String(64)),
    Column("their_version", Integer),
    Column("their_digest", String(64)),
)
