"""Statistical findings about ratings (数据真实性)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from gateway.store.tables.base import Moment, metadata

integrity_run = Table(  # one check; append-only like its findings
    "integrity_run",
    metadata,
    Column("run_id", String(32), primary_key=True),
    Column("checked_at", Moment, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),  # excluded
    Column("source_id", String(64)),  # none: all sources
    Column("thresholds_version", String(32), nullable=False),
    Column("evaluations", BigInteger, nullable=False),
    Column("coverage", Text, nullable=False),  # JSON: detector to groups assessed, groups not assessed
)
Index("integrity_run_by_period", integrity_run.c.until, integrity_run.c.checked_at)

integrity_finding = Table(  # a statistical fact about a group; it changes no record
    "integrity_finding",
    metadata,
    Column("run_id", String(32), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("detector", String(32), nullable=False),
    Column("detector_version", Integer, nullable=False),
    Column("source_id", String(64), nullable=False),
    Column("dept_code", String(18)),  # none: the source as a whole
    Column("area_code", String(12)),
    Column("period", String(8), nullable=False),  # day | month (30 days) | period | figure
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("threshold", Text, nullable=False),  # JSON
    Column("observed", Text, nullable=False),  # JSON, never personal data
    Column("group_size", BigInteger, nullable=False),
    Column("affected", BigInteger, nullable=False),
    Column("record_keys", Text, nullable=False),  # JSON list, at most 20
    Column("positive", BigInteger, nullable=False),  # of the group's rate
    Column("rated", BigInteger, nullable=False),
    Column("positive_without", BigInteger, nullable=False),  # the same without the affected records
    Column("rated_without", BigInteger, nullable=False),
)
Index("integrity_finding_by_source", integrity_finding.c.source_id, integrity_finding.c.until)

source_figure = Table(  # what a source publishes itself, for comparison only; the latest import of a period counts
    "source_figure",
    metadata,
    Column("import_id", String(32), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("imported_at", Moment, nullable=False),
    Column("source_id", String(64), nullable=False),
    Column("dept_code", String(18)),
    Column("first_day", String(10), nullable=False),
    Column("last_day", String(10), nullable=False),
    Column("positive", BigInteger),
    Column("rated", BigInteger),
    Column("rate", String(16)),  # per cent, as printed
)
Index("source_figure_by_source", source_figure.c.source_id, source_figure.c.first_day)
