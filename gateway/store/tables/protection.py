"""Keys, what the platform publishes, and what people did (保护)."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, String, Table, Text

from gateway.store.tables.base import Moment, metadata

crypto_key = Table(  # data keys (数据密钥), wrapped by the key-encryption key
    "crypto_key",
    metadata,
    Column("key_id", String(16), primary_key=True),
    Column("purpose", String(32), nullable=False),
    Column("alg", String(16), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("kek_id", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("not_after", Moment),
)

published = Table(  # what a platform publishes of itself (平台公布): its keys, its indicators; in force once applied
    "published",
    metadata,
    Column("published_id", String(32), primary_key=True),
    Column("target_id", String(64), nullable=False),
    Column("kind", String(16), nullable=False),  # keys or indicators
    Column("version", String(64), nullable=False),
    Column("digest", String(64), nullable=False),  # SM3 of the body
    Column("body", Text, nullable=False),  # canonical JSON
    Column("fetched_at", Moment, nullable=False),
    Column("applied_at", Moment),
    Column("valid_from", Moment),  # none: not applied
    Column("valid_to", Moment),  # none: until a later one is
)
Index("published_by_kind", published.c.target_id, published.c.kind, published.c.fetched_at)

audit_event = Table(  # what a person did, and why
    "audit_event",
    metadata,
    Column("event_id", String(32), primary_key=True),
    Column("happened_at", Moment, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("act", String(64), nullable=False),
    Column("object_id", String(120), nullable=False),
    Column("reason", Text),
    Column("outcome", String(64), nullable=False),
)
