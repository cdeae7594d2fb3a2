"""The archive of evidence (存证): which days are sealed in files, and which batch stands in which."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table

from gateway.store.tables.base import Moment, metadata

evidence_day = Table(
    "evidence_day",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),  # from 1, without gaps
    Column("seal_digest", String(64), nullable=False),  # what the next day's seal names as its previous
    Column("content_digest", String(64), nullable=False),
    Column("lines", Integer, nullable=False),
    Column("content_bytes", BigInteger, nullable=False),
    Column("sealed_at", Moment, nullable=False),
)

evidence_batch = Table(  # as last archived
    "evidence_batch",
    metadata,
    Column("batch_id", String(32), primary_key=True),
    Column("day", String(10), nullable=False),
    Column("events", Integer, nullable=False),  # of its history; more now: it has changed since and is archived again
)
