"""Acts: void notices, divided batches, second persons, maintenance windows, the compared end of a sequence."""

import sqlalchemy as sa
from alembic import op

revision = "0004_acts"
down_revision = "0004_keys"
branch_labels = None
depends_on = None

OF_TARGET = ("failing_since", "refusals", "maintenance_from", "maintenance_until", "maintenance_reason")


def upgrade() -> None:
    op.add_column("target_state", sa.Column("failing_since", sa.DateTime(), nullable=True))
    op.add_column("target_state", sa.Column("refusals", sa.Integer(), server_default="0", nullable=False))
    op.add_column("target_state", sa.Column("maintenance_from", sa.DateTime(), nullable=True))
    op.add_column("target_state", sa.Column("maintenance_until", sa.DateTime(), nullable=True))
    op.add_column("target_state", sa.Column("maintenance_reason", sa.Text(), nullable=True))
    op.add_column("stream", sa.Column("checked_at", sa.DateTime(), nullable=True))
    op.create_table(
        "void_notice",
        sa.Column("batch_id", sa.String(length=32), nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("stream", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("header_digest", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("notice", sa.LargeBinary(), nullable=True),
        sa.Column("owed_at", sa.DateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(), nullable=True),
        sa.Column("answered_at", sa.DateTime(), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("batch_id"),
        sa.UniqueConstraint("target_id", "stream", "seq", name="void_once"),
    )
    op.create_index("void_notice_by_state", "void_notice", ["target_id", "state"], unique=False)
    op.create_table(
        "bundle",
        sa.Column("parent_batch_id", sa.String(length=32), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("parent_batch_id", "part", "position"),
    )
    op.create_index("bundle_by_age", "bundle", ["target_id", "made_at"], unique=False)
    op.create_table(
        "approval",
        sa.Column("approval_id", sa.String(length=32), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("batches", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("approval_id"),
    )
    op.create_index("approval_by_time", "approval", ["done_at", "asked_at"], unique=False)
    _owe_for_old_batches()


def _owe_for_old_batches() -> None:
    """Earlier releases told the platform nothing of the numbers that they would never fill."""
    op.execute(
        sa.text(
            "INSERT INTO void_notice"
            " (batch_id, target_id, stream, seq, header_digest, reason, state, owed_at, attempts)"
            " SELECT batch_id, target_id, stream, seq, header_digest, COALESCE(failure_code, 'batch.expired'),"
            " 'waiting', updated_at, 0 FROM batch"
            " WHERE state IN ('REJECTED', 'EXPIRED', 'CANCELLED') AND accepted IS NULL"
        )
    )


def downgrade() -> None:
    op.drop_index("approval_by_time", table_name="approval")
    op.drop_table("approval")
    op.drop_index("bundle_by_age", table_name="bundle")
    op.drop_table("bundle")
    op.drop_index("void_notice_by_state", table_name="void_notice")
    op.drop_table("void_notice")
    op.drop_column("stream", "checked_at")
    for name in OF_TARGET:
        op.drop_column("target_state", name)
