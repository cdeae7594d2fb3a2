"""What a platform publishes of itself: keys and indicators."""

import sqlalchemy as sa
from alembic import op

revision = "0004_keys"
down_revision = "0004_inbox"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "published",
        sa.Column("published_id", sa.String(length=32), nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(), nullable=False),
        sa.Column("applied_at", sa.DateTime(), nullable=True),
        sa.Column("valid_from", sa.DateTime(), nullable=True),
        sa.Column("valid_to", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("published_id"),
    )
    op.create_index("published_by_kind", "published", ["target_id", "kind", "fetched_at"], unique=False)


def downgrade() -> None:
    op.drop_index("published_by_kind", table_name="published")
    op.drop_table("published")
