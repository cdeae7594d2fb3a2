"""What people did about differences (对账处置)."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from gateway.store.tables.base import Moment, metadata

reconciliation_repair = Table(  # a difference that a person explained: it is open again as soon as it looks otherwise
    "reconciliation_repair",
    metadata,
    Column("target_id", String(64), primary_key=True),
    Column("business_date", String(10), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("record_key", String(120), primary_key=True),
    Column("difference", String(16), nullable=False),
    Column("fingerprint", String(64), nullable=False),  # SM3 of class, versions and digests of both sides
    Column("act", String(16), nullable=False),  # accept | quarantine
    Column("actor", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("done_at", Moment, nullable=False),
)

reconciliation_sign = Table(  # two people put their names to a day's result (delivery table, row 30)
    "reconciliation_sign",
    metadata,
    Column("target_id", String(64), primary_key=True),
    Column("business_date", String(10), primary_key=True),
    Column("signer", String(64), primary_key=True),
    Column("result_digest", String(64), primary_key=True),  # a later comparison that differs needs new names
    Column("reason", Text, nullable=False),
    Column("signed_at", Moment, nullable=False),
)
