"""Blind indexes of whom records are about."""

import sqlalchemy as sa
from alembic import op

revision = "0006_persons"
down_revision = "0005_flow"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person_index",
        sa.Column("field", sa.String(length=16), nullable=False),
        sa.Column("value", sa.LargeBinary(length=16), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("field", "value", "position"),
    )
    op.create_table(
        "person_indexed",
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id"),
    )


def downgrade() -> None:
    op.drop_table("person_indexed")
    op.drop_table("person_index")
