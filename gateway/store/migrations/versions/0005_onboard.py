"""A source's life, its last dry run, and the days of its shadow run."""

import sqlalchemy as sa
from alembic import op

revision = "0005_onboard"
down_revision = "0004_evidence"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_life",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("life", sa.String(length=16), nullable=False),
        sa.Column("before", sa.String(length=16), nullable=True),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("shadow_since", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("source_id"),
    )
    op.create_table(
        "dry_run",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("rule_version", sa.String(length=64), nullable=False),
        sa.Column("landed", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("ran_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source_id"),
    )
    op.create_table(
        "shadow_day",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("landed", sa.Integer(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("duplicate", sa.Integer(), nullable=False),
        sa.Column("evaluations", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=True),
        sa.Column("rule_version", sa.String(length=64), nullable=True),
        sa.Column("compared_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("source_id", "day"),
    )


def downgrade() -> None:
    op.drop_table("shadow_day")
    op.drop_table("dry_run")
    op.drop_table("source_life")
