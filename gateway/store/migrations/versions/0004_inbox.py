"""Requests that were pushed to us, and their nonces."""

import sqlalchemy as sa
from alembic import op

revision = "0004_inbox"
down_revision = "0004_files"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbox_request",
        sa.Column("request_key", sa.String(length=64), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("page_id", sa.String(length=32), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("request_key"),
    )
    op.create_index("inbox_request_by_page", "inbox_request", ["page_id"], unique=False)
    op.create_table(
        "inbox_nonce",
        sa.Column("nonce_key", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("nonce_key"),
    )
    op.create_index("inbox_nonce_by_time", "inbox_nonce", ["until"], unique=False)


def downgrade() -> None:
    op.drop_index("inbox_nonce_by_time", table_name="inbox_nonce")
    op.drop_table("inbox_nonce")
    op.drop_index("inbox_request_by_page", table_name="inbox_request")
    op.drop_table("inbox_request")
