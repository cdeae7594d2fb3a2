"""All tables of the first release."""

# The tables of this revision may still be regenerated as a whole until the first release is tagged.

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("event_id", sa.String(length=32), nullable=False),
        sa.Column("happened_at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_table(
        "batch",
        sa.Column("batch_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("stream", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("suite", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("record_count", sa.Integer(), nullable=False),
        sa.Column("header_digest", sa.String(length=64), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("merkle_root", sa.String(length=64), nullable=False),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("body_bytes", sa.Integer(), nullable=False),
        sa.Column("sender_key_id", sa.String(length=16), nullable=False),
        sa.Column("recipient_key_id", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("maybe_sent", sa.SmallInteger(), nullable=False),
        sa.Column("window_started_at", sa.DateTime(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("lease_token", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=100), nullable=True),
        sa.Column("failure_class", sa.String(length=24), nullable=True),
        sa.Column("failure_code", sa.String(length=64), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.Column("accepted", sa.Integer(), nullable=True),
        sa.Column("duplicates", sa.Integer(), nullable=True),
        sa.Column("rejected", sa.Integer(), nullable=True),
        sa.Column("parent_batch_id", sa.String(length=32), nullable=True),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id"),
        sa.UniqueConstraint("target_id", "stream", "seq", name="batch_once"),
        sa.UniqueConstraint("number", name="batch_number_once"),
    )
    op.create_index("batch_by_date", "batch", ["target_id", "business_date"], unique=False)
    op.create_index("batch_by_state", "batch", ["state", "next_attempt_at"], unique=False)
    op.create_table(
        "batch_attempt",
        sa.Column("batch_id", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("send_started_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=24), nullable=True),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("request_digest", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("batch_id", "attempt"),
    )
    op.create_table(
        "batch_body",
        sa.Column("batch_id", sa.String(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id"),
    )
    op.create_table(
        "batch_event",
        sa.Column("batch_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("from_state", sa.String(length=24), nullable=True),
        sa.Column("to_state", sa.String(length=24), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("happened_at", sa.DateTime(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("batch_id", "seq"),
    )
    op.create_table(
        "batch_record",
        sa.Column("batch_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("record_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("batch_number", "item"),
    )
    op.create_index("batch_record_by_position", "batch_record", ["position"], unique=False)
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "crypto_key",
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("alg", sa.String(length=16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("kek_id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("not_before", sa.DateTime(), nullable=False),
        sa.Column("not_after", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key_id"),
    )
    op.create_table(
        "delivery_hold",
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("target_id", "position"),
    )
    op.create_table(
        "duplicate",
        sa.Column("page_id", sa.String(length=32), nullable=False),
        sa.Column("page_index", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("record_key", sa.String(length=120), nullable=True),
        sa.Column("first_position", sa.BigInteger(), nullable=True),
        sa.Column("first_page_id", sa.String(length=32), nullable=True),
        sa.Column("first_page_index", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("page_id", "page_index"),
    )
    op.create_table(
        "ledger_record",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("record_key", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("parent_key", sa.String(length=120), nullable=True),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("page_id", sa.String(length=32), nullable=True),
        sa.Column("page_index", sa.Integer(), nullable=True),
        sa.Column("area_code", sa.String(length=12), nullable=True),
        sa.Column("dept_code", sa.String(length=18), nullable=True),
        sa.Column("task_code", sa.String(length=31), nullable=True),
        sa.Column("satisfaction", sa.SmallInteger(), nullable=True),
        sa.Column("channel", sa.String(length=1), nullable=True),
        sa.Column("origin", sa.String(length=16), nullable=True),
        sa.Column("service_stage", sa.String(length=16), nullable=True),
        sa.Column("event_at", sa.DateTime(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("personal", sa.LargeBinary(), nullable=True),
        sa.Column("warnings", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("kind", "record_key", "version", name="ledger_record_once"),
    )
    op.create_table(
        "quarantine",
        sa.Column("page_id", sa.String(length=32), nullable=False),
        sa.Column("page_index", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.Column("raw_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("page_id", "page_index"),
    )
    op.create_index("quarantine_by_digest", "quarantine", ["source_id", "raw_digest"], unique=False)
    op.create_index("quarantine_by_state", "quarantine", ["state", "source_id"], unique=False)
    op.create_table(
        "quarantine_problem",
        sa.Column("page_id", sa.String(length=32), nullable=False),
        sa.Column("page_index", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("source_path", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("page_id", "page_index", "ordinal"),
    )
    op.create_table(
        "raw_page",
        sa.Column("page_id", sa.String(length=32), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("body_bytes", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("declared", sa.Integer(), nullable=True),
        sa.Column("landed", sa.Integer(), nullable=True),
        sa.Column("stored", sa.Integer(), nullable=True),
        sa.Column("quarantined", sa.Integer(), nullable=True),
        sa.Column("duplicate", sa.Integer(), nullable=True),
        sa.Column("unrated", sa.Integer(), nullable=True),
        sa.Column("rule_version", sa.String(length=64), nullable=True),
        sa.Column("normalised_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("page_id"),
        sa.UniqueConstraint("source_id", "body_digest", "origin", name="raw_page_once"),
    )
    op.create_index("raw_page_by_origin", "raw_page", ["source_id", "origin"], unique=False)
    op.create_index("raw_page_by_state", "raw_page", ["state", "source_id"], unique=False)
    op.create_index(
        "raw_page_figures",
        "raw_page",
        ["received_at", "source_id", "state", "landed", "stored", "quarantined", "duplicate", "unrated"],
        unique=False,
    )
    op.create_table(
        "receipt",
        sa.Column("batch_id", sa.String(length=32), nullable=False),
        sa.Column("raw_digest", sa.String(length=64), nullable=False),
        sa.Column("receipt_id", sa.String(length=64), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("valid", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "raw_digest"),
    )
    op.create_table(
        "reconciliation",
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("our_count", sa.Integer(), nullable=False),
        sa.Column("our_digest", sa.String(length=64), nullable=False),
        sa.Column("their_count", sa.Integer(), nullable=False),
        sa.Column("their_digest", sa.String(length=64), nullable=False),
        sa.Column("equal", sa.SmallInteger(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("checked_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("target_id", "business_date", "kind"),
    )
    op.create_table(
        "reconciliation_item",
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("record_key", sa.String(length=120), nullable=False),
        sa.Column("difference", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("target_id", "business_date", "kind", "record_key"),
    )
    op.create_table(
        "source_state",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("cursor_text", sa.Text(), nullable=True),
        sa.Column("cursor_version", sa.Integer(), nullable=False),
        sa.Column("last_page_id", sa.String(length=32), nullable=True),
        sa.Column("suspended_code", sa.String(length=64), nullable=True),
        sa.Column("suspended_detail", sa.Text(), nullable=True),
        sa.Column("last_attempt_at", sa.DateTime(), nullable=True),
        sa.Column("last_success_at", sa.DateTime(), nullable=True),
        sa.Column("failing_since", sa.DateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("unfinished", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("source_id"),
    )
    op.create_table(
        "stream",
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("target_id", "name"),
    )
    op.create_table(
        "target_state",
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("suspended_code", sa.String(length=64), nullable=True),
        sa.Column("suspended_detail", sa.Text(), nullable=True),
        sa.Column("suspended_at", sa.DateTime(), nullable=True),
        sa.Column("breaker", sa.String(length=16), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=True),
        sa.Column("last_success_at", sa.DateTime(), nullable=True),
        sa.Column("last_error_code", sa.String(length=64), nullable=True),
        sa.Column("last_error_detail", sa.Text(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("target_id"),
    )
    op.create_table(
        "work_order",
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("evaluation_key", sa.String(length=120), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("dept_code", sa.String(length=18), nullable=True),
        sa.Column("satisfaction", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(length=2), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("remote_no", sa.String(length=64), nullable=True),
        sa.Column("remote_status", sa.String(length=32), nullable=True),
        sa.Column("remote_updated_at", sa.DateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_found", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("lease_token", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("due_rule", sa.String(length=32), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=True),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
        sa.UniqueConstraint("evaluation_key", "cycle", name="work_order_once"),
        sa.UniqueConstraint("external_id"),
    )
    op.create_index("work_order_by_state", "work_order", ["state", "next_attempt_at"], unique=False)
    op.create_table(
        "work_order_event",
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("from_state", sa.String(length=2), nullable=True),
        sa.Column("to_state", sa.String(length=2), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("happened_at", sa.DateTime(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("order_id", "seq"),
    )
    op.execute("INSERT INTO counter (name, value) VALUES ('ledger', 0), ('batch', 0)")


def downgrade() -> None:
    op.drop_table("work_order_event")
    op.drop_index("work_order_by_state", table_name="work_order")
    op.drop_table("work_order")
    op.drop_table("target_state")
    op.drop_table("stream")
    op.drop_table("source_state")
    op.drop_table("reconciliation_item")
    op.drop_table("reconciliation")
    op.drop_table("receipt")
    op.drop_index("raw_page_figures", table_name="raw_page")
    op.drop_index("raw_page_by_state", table_name="raw_page")
    op.drop_index("raw_page_by_origin", table_name="raw_page")
    op.drop_table("raw_page")
    op.drop_table("quarantine_problem")
    op.drop_index("quarantine_by_state", table_name="quarantine")
    op.drop_index("quarantine_by_digest", table_name="quarantine")
    op.drop_table("quarantine")
    op.drop_table("ledger_record")
    op.drop_table("duplicate")
    op.drop_table("delivery_hold")
    op.drop_table("crypto_key")
    op.drop_table("counter")
    op.drop_index("batch_record_by_position", table_name="batch_record")
    op.drop_table("batch_record")
    op.drop_table("batch_event")
    op.drop_table("batch_body")
    op.drop_table("batch_attempt")
    op.drop_index("batch_by_state", table_name="batch")
    op.drop_index("batch_by_date", table_name="batch")
    op.drop_table("batch")
    op.drop_table("audit_event")
