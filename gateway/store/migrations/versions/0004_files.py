"""The ledger of files."""

import sqlalchemy as sa
from alembic import op

revision = "0004_files"
down_revision = "0003_integrity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_file",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("mark", sa.String(length=300), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("refused_code", sa.String(length=64), nullable=True),
        sa.Column("noted_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "mark"),
    )
    op.create_index("source_file_by_name", "source_file", ["source_id", "file_name", "noted_at"], unique=False)
    op.create_index("source_file_by_time", "source_file", ["source_id", "noted_at"], unique=False)


def downgrade() -> None:
    op.drop_index("source_file_by_time", table_name="source_file")
    op.drop_index("source_file_by_name", table_name="source_file")
    op.drop_table("source_file")
