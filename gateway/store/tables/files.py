"""Files that sources dropped (文件台账)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table

from gateway.store.tables.base import Moment, metadata

source_file = Table(  # a line per file and version, written with the last page of the file
    "source_file",
    metadata,
    Column("source_id", String(64), primary_key=True),
    Column("mark", String(300), primary_key=True),  # name and version, as the source's folder tells it
    Column("file_name", String(255), nullable=False),
    Column("file_bytes", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),  # SM3; empty: refused unread
    Column("outcome", String(16), nullable=False),  # landed | repeated | changed | refused
    Column("refused_code", String(64)),  # what is wrong with a refused one
    Column("noted_at", Moment, nullable=False),
)
Index("source_file_by_name", source_file.c.source_id, source_file.c.file_name, source_file.c.noted_at)
Index("source_file_by_time", source_file.c.source_id, source_file.c.noted_at)
