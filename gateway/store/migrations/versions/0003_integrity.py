"""Integrity findings, their runs, and figures that sources publish."""

import sqlalchemy as sa
from alembic import op

revision = "0003_integrity"
down_revision = "0002_trail"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "integrity_run",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("checked_at", sa.DateTime(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=True),
        sa.Column("thresholds_version", sa.String(length=32), nullable=False),
        sa.Column("evaluations", sa.BigInteger(), nullable=False),
        sa.Column("coverage", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("integrity_run_by_period", "integrity_run", ["until", "checked_at"], unique=False)
    op.create_table(
        "integrity_finding",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("detector", sa.String(length=32), nullable=False),
        sa.Column("detector_version", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("dept_code", sa.String(length=18), nullable=True),
        sa.Column("area_code", sa.String(length=12), nullable=True),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("threshold", sa.Text(), nullable=False),
        sa.Column("observed", sa.Text(), nullable=False),
        sa.Column("group_size", sa.BigInteger(), nullable=False),
        sa.Column("affected", sa.BigInteger(), nullable=False),
        sa.Column("record_keys", sa.Text(), nullable=False),
        sa.Column("positive", sa.BigInteger(), nullable=False),
        sa.Column("rated", sa.BigInteger(), nullable=False),
        sa.Column("positive_without", sa.BigInteger(), nullable=False),
        sa.Column("rated_without", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "ordinal"),
    )
    op.create_index("integrity_finding_by_source", "integrity_finding", ["source_id", "until"], unique=False)
    op.create_table(
        "source_figure",
        sa.Column("import_id", sa.String(length=32), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.DateTime(), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("dept_code", sa.String(length=18), nullable=True),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=False),
        sa.Column("positive", sa.BigInteger(), nullable=True),
        sa.Column("rated", sa.BigInteger(), nullable=True),
        sa.Column("rate", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "ordinal"),
    )
    op.create_index("source_figure_by_source", "source_figure", ["source_id", "first_day"], unique=False)


def downgrade() -> None:
    op.drop_index("source_figure_by_source", table_name="source_figure")
    op.drop_table("source_figure")
    op.drop_index("integrity_finding_by_source", table_name="integrity_finding")
    op.drop_table("integrity_finding")
    op.drop_index("integrity_run_by_period", table_name="integrity_run")
    op.drop_table("integrity_run")
