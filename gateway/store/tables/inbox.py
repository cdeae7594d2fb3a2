"""What was pushed to us (推送接收): which request became which page, and nonces that must not come again."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table

from gateway.store.tables.base import Moment, metadata

inbox_request = Table(  # one row for each idempotency key (幂等键), for good: a repeat gets the first one's answer
    "inbox_request",
    metadata,
    Column("request_key", String(64), primary_key=True),  # SM3 of source, sender and idempotency key
    Column("source_id", String(64), nullable=False),
    Column("sender", String(64), nullable=False),
    Column("content_digest", String(64), nullable=False),  # SM3 of the page's media type and the body as received
    Column("page_id", String(32), nullable=False),  # the receipt (回执号) that the sender was given
    Column("received_at", Moment, nullable=False),
)
Index("inbox_request_by_page", inbox_request.c.page_id)

inbox_nonce = Table(
    "inbox_nonce",
    metadata,
    Column("nonce_key", String(64), primary_key=True),  # SM3 of source, sender and nonce
    Column("until", Moment, nullable=False),  # from then on its request is too old to be taken anyway
)
Index("inbox_nonce_by_time", inbox_nonce.c.until)
