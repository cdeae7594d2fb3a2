"""Repairs and signatures of reconciliation, the archive of evidence."""

import sqlalchemy as sa
from alembic import op

revision = "0004_evidence"
down_revision = "0004_profiles"
branch_labels = None
depends_on = None

SIDES = (
    ("our_version", sa.Integer()),
    ("our_digest", sa.String(length=64)),
    ("their_version", sa.Integer()),
    ("their_digest", sa.String(length=64)),
)


def upgrade() -> None:
    for name, kind in SIDES:
        op.add_column("reconciliation_item", sa.Column(name, kind, nullable=True))
    op.create_table(
        "reconciliation_repair",
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("record_key", sa.String(length=120), nullable=False),
        sa.Column("difference", sa.String(length=16), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("target_id", "business_date", "kind", "record_key"),
    )
    op.create_table(
        "reconciliation_sign",
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("signer", sa.String(length=64), nullable=False),
        sa.Column("result_digest", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("target_id", "business_date", "signer", "result_digest"),
    )
    op.create_table(
        "evidence_day",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seal_digest", sa.String(length=64), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("content_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
        sa.UniqueConstraint("number"),
    )
    op.create_table(
        "evidence_batch",
        sa.Column("batch_id", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id"),
    )


def downgrade() -> None:
    for table in ("evidence_batch", "evidence_day", "reconciliation_sign", "reconciliation_repair"):
        op.drop_table(table)
    for name, _ in SIDES:
        op.drop_column("reconciliation_item", name)
