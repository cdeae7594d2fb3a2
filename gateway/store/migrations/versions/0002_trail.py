"""Trail: evaluations that wait for their case, revisions of sources, keys of refused records, backfill of data keys."""

import sqlalchemy as sa
from alembic import op

revision = "0002_trail"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("quarantine", sa.Column("record_key", sa.String(length=120), nullable=True))
    op.create_index("quarantine_by_key", "quarantine", ["source_id", "record_key"], unique=False)
    op.add_column("source_state", sa.Column("budget_since", sa.DateTime(), nullable=True))
    op.create_table(
        "parent_hold",
        sa.Column("page_id", sa.String(length=32), nullable=False),
        sa.Column("page_index", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("parent_key", sa.String(length=120), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("page_id", "page_index"),
    )
    op.create_index("parent_hold_by_parent", "parent_hold", ["parent_key"], unique=False)
    op.create_index("parent_hold_by_time", "parent_hold", ["since"], unique=False)
    op.create_table(
        "source_revision",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("record_key", sa.String(length=120), nullable=False),
        sa.Column("revision", sa.String(length=40), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "record_key"),
    )
    op.create_table(
        "key_backfill",
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("cell", sa.String(length=64), nullable=False),
        sa.Column("after_row", sa.Text(), nullable=True),
        sa.Column("cells", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", "cell"),
    )


def downgrade() -> None:
    op.drop_table("key_backfill")
    op.drop_table("source_revision")
    op.drop_index("parent_hold_by_time", table_name="parent_hold")
    op.drop_index("parent_hold_by_parent", table_name="parent_hold")
    op.drop_table("parent_hold")
    op.drop_column("source_state", "budget_since")
    op.drop_index("quarantine_by_key", table_name="quarantine")
    op.drop_column("quarantine", "record_key")
