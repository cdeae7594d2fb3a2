"""Every table of the gateway's own state. Only :mod:`gateway.store` may import this module.

Portable on purpose (SQLite, PostgreSQL, domestic databases later): keys are made by the application, times are UTC
without zone, JSON is text that SQL never looks into, names are lower case and not reserved.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()
Moment = DateTime  # UTC, without zone

# ── sources (数据源) ────────────────────────────────────────────────────────────────────────────────────────────────

source_state = Table(
    "source_state",
    metadata,
    Column("source_id", String(64), primary_key=True),
    Column("cursor_text", Text),  # opaque JSON of the connector; moves in the transaction that lands its page
    Column("cursor_version", Integer, nullable=False, default=0),  # compare-and-swap: two pulls can't both win
    Column("last_page_id", String(32)),  # the next page's id is higher, even if the clock steps back
    Column("suspended_code", String(64)),  # error code; set while a person must act
    Column("suspended_detail", Text),
    Column("last_attempt_at", Moment),
    Column("last_success_at", Moment),
    Column("failing_since", Moment),
    Column("failures", Integer, nullable=False, default=0),
    Column("error_code", String(64)),
    Column("error_detail", Text),  # the error's parameters, JSON
    Column("unfinished", Text),  # JSON list: names of files that stood there half written
    Column("budget_since", Moment),  # the error budget looks at pages received after this
)

raw_page = Table(  # 落地: what a source sent, byte for byte
    "raw_page",
    metadata,
    Column("page_id", String(32), primary_key=True),
    Column("source_id", String(64), nullable=False),
    Column("origin", String(300), nullable=False),  # 'page=3', a file's name; never personal data
    Column("media_type", String(100), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("body", LargeBinary, nullable=False),  # zstd, then sealed by the vault
    Column("body_digest", String(64), nullable=False),  # SM3 of the bytes as received
    Column("body_bytes", Integer, nullable=False),
    Column("state", String(16), nullable=False),  # landed | normalised | undecodable
    Column("declared", Integer),  # records that the source said it sent, if it did
    Column("landed", Integer),  # records found in it; landed = stored + quarantined + duplicate
    Column("stored", Integer),
    Column("quarantined", Integer),
    Column("duplicate", Integer),
    Column("unrated", Integer),  # of stored: a service without a rating (不评价)
    Column("rule_version", String(64)),
    Column("normalised_at", Moment),
    UniqueConstraint("source_id", "body_digest", "origin", name="raw_page_once"),
)
Index("raw_page_by_state", raw_page.c.state, raw_page.c.source_id)
Index("raw_page_by_origin", raw_page.c.source_id, raw_page.c.origin)
Index(  # figures are answered from this index alone: the rows themselves carry megabytes of bodies
    "raw_page_figures",
    raw_page.c.received_at,
    raw_page.c.source_id,
    raw_page.c.state,
    raw_page.c.landed,
    raw_page.c.stored,
    raw_page.c.quarantined,
    raw_page.c.duplicate,
    raw_page.c.unrated,
)

# ── ledger (台账) ───────────────────────────────────────────────────────────────────────────────────────────────────

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
    Column("event_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),  # SM3 of content and personal fields: decides "unchanged"
    Column("content", Text, nullable=False),  # canonical attributes that are not personal, JSON
    Column("personal", LargeBinary),  # one packed blob, sealed by the vault
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

# ── work orders (工单) ──────────────────────────────────────────────────────────────────────────────────────────────

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

# ── delivery (上报) ─────────────────────────────────────────────────────────────────────────────────────────────────

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
)

stream = Table(  # the sequence of one (target, stream): its row is locked while a batch is sealed
    "stream",
    metadata,
    Column("target_id", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("last_digest", String(64), nullable=False),
)

batch = Table(
    "batch",
    metadata,
    Column("batch_id", String(32), primary_key=True),
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
)
Index("batch_by_state", batch.c.state, batch.c.next_attempt_at)
Index("batch_by_date", batch.c.target_id, batch.c.business_date)

batch_body = Table(  # the sealed bytes; every retry sends these
    "batch_body",
    metadata,
    Column("batch_id", String(32), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

batch_record = Table(
    "batch_record",
    metadata,
    Column("batch_id", String(32), primary_key=True),
    Column("item", Integer, primary_key=True),  # index in the content, from 0
    Column("position", BigInteger, nullable=False),
    Column("record_digest", LargeBinary(32), nullable=False),  # SM3 of the record's wire bytes, for reconciliation
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
)

# ── protection (保护) ───────────────────────────────────────────────────────────────────────────────────────────────

crypto_key = Table(  # data keys (数据密钥), wrapped by the key-encryption key
    "crypto_key",
    metadata,
    Column("key_id", String(16), primary_key=True),
    Column("purpose", String(32), nullable=False),
    Column("alg", String(16), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("kek_id", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("not_after", Moment),
)

audit_event = Table(  # what a person did, and why
    "audit_event",
    metadata,
    Column("event_id", String(32), primary_key=True),
    Column("happened_at", Moment, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("act", String(64), nullable=False),
    Column("object_id", String(120), nullable=False),
    Column("reason", Text),
    Column("outcome", String(64), nullable=False),
)

# ── trail (追溯) ────────────────────────────────────────────────────────────────────────────────────────────────────

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
