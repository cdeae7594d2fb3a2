"""How pulling goes on: pauses of sources, backfill windows, what workers share of a connection."""

import sqlalchemy as sa
from alembic import op

revision = "0005_flow"
down_revision = "0005_onboard"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("source_state", sa.Column("paused_until", sa.DateTime(), nullable=True))
    op.add_column("source_state", sa.Column("back_at", sa.DateTime(), nullable=True))
    op.create_table(
        "pull_window",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("cursor_text", sa.Text(), nullable=True),
        sa.Column("cursor_version", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "since", "until"),
    )
    op.create_table(
        "connection_turn",
        sa.Column("connection_id", sa.String(length=64), nullable=False),
        sa.Column("due", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("connection_id"),
    )
    op.create_table(
        "connection_slot",
        sa.Column("connection_id", sa.String(length=64), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "slot"),
    )


def downgrade() -> None:
    op.drop_table("connection_slot")
    op.drop_table("connection_turn")
    op.drop_table("pull_window")
    op.drop_column("source_state", "back_at")
    op.drop_column("source_state", "paused_until")
