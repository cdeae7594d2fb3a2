"""How far a source has come on its way in (接入)."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table

from gateway.store.tables.base import Moment, metadata

source_life = Table(  # no row: a draft if its file is gated, else live
    "source_life",
    metadata,
    Column("source_id", String(64), primary_key=True),
    Column("life", String(16), nullable=False),  # draft | shadow | live | paused
    Column("before", String(16)),  # what a paused one goes back to
    Column("since", Moment, nullable=False),
    Column("shadow_since", Moment),
)

dry_run = Table(  # 空跑: the last one of each source, for the gate
    "dry_run",
    metadata,
    Column("source_id", String(64), primary_key=True),
    Column("rule_version", String(64), nullable=False),
    Column("landed", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("ran_at", Moment, nullable=False),
)

shadow_day = Table(  # 影子运行: one day's counts, ours beside theirs
    "shadow_day",
    metadata,
    Column("source_id", String(64), primary_key=True),
    Column("day", String(10), primary_key=True),  # local
    Column("pages", Integer, nullable=False, default=0),  # received on the day, as the four that follow
    Column("landed", Integer, nullable=False, default=0),
    Column("stored", Integer, nullable=False, default=0),
    Column("quarantined", Integer, nullable=False, default=0),
    Column("duplicate", Integer, nullable=False, default=0),
    Column("evaluations", Integer, nullable=False, default=0),  # given on the day, each once
    Column("told", Integer),  # evaluations of the day by the county's own count
    Column("rule_version", String(64)),
    Column("compared_at", Moment),
)
