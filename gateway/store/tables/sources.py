"""What sources sent, and how they stand (数据源)."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from gateway.store.tables.base import Moment, metadata

source_state = Table(
    "source_state",
    metadata,
    Column("source_id", String(64), primary_key=True),
    Column("cursor_text", Text),  # opaque JSON of the connector; moves in the transaction that lands its page
    Column("cursor_version", Integer, nullable=False, default=0),  # compare-and-swap: two pulls can't both win
    Column("last_page_id", String(32)),  # the next page's id is higher, even if the clock steps back
    Column("suspended_code", String(64)),  # error code; set while a person must act
    Column("suspended_detail", Text),
    Column("last_attempt_at", Moment),
    Column("last_success_at", Moment),
    Column("failing_since", Moment),
    Column("back_at", Moment),  # when a pull succeeded after failures, the last time
    Column("paused_until", Moment),  # the breaker is open, or the source said Retry-After
    Column("failures", Integer, nullable=False, default=0),
    Column("error_code", String(64)),
    Column("error_detail", Text),  # the error's parameters, JSON
    Column("unfinished", Text),  # JSON list: names of files that stood there half written
    Column("budget_since", Moment),  # the error budget looks at pages received after this
)

raw_page = Table(  # 落地: what a source sent, byte for byte
    "raw_page",
    metadata,
    Column("page_id", String(32), primary_key=True),
    Column("source_id", String(64), nullable=False),
    Column("origin", String(300), nullable=False),  # 'page=3', a file's name; never personal data
    Column("media_type", String(100), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("body", LargeBinary, nullable=False),  # zstd, then sealed by the vault
    Column("body_digest", String(64), nullable=False),  # SHA-256 of the bytes as received, hex
    Column("body_bytes", Integer, nullable=False),
    Column("state", String(16), nullable=False),  # landed | normalised | undecodable
    Column("declared", Integer),  # records that the source said it sent, if it did
    Column("landed", Integer),  # records found in it; landed = stored + quarantined + duplicate
    Column("stored", Integer),
    Column("quarantined", Integer),
    Column("duplicate", Integer),
    Column("unrated", Integer),  # of stored: a service without a rating (不评价)
    Column("rule_version", String(64)),
    Column("normalised_at", Moment),
    UniqueConstraint("source_id", "body_digest", "origin", name="raw_page_once"),
)
Index("raw_page_by_state", raw_page.c.state, raw_page.c.source_id)
Index("raw_page_by_origin", raw_page.c.source_id, raw_page.c.origin)
Index(  # figures are answered from this index alone: the rows themselves carry megabytes of bodies
    "raw_page_figures",
    raw_page.c.received_at,
    raw_page.c.source_id,
    raw_page.c.state,
    raw_page.c.landed,
    raw_page.c.stored,
    raw_page.c.quarantined,
    raw_page.c.duplicate,
    raw_page.c.unrated,
)
