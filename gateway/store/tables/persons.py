"""Blind indexes (盲索引) of whom the ledger's records are about: equal values can be found, none can be read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table

from gateway.store.tables.base import metadata

person_index = Table(
    "person_index",
    metadata,
    Column("field", String(16), primary_key=True),  # id_no, phone or cert_key: each has a key of its own
    Column("value", LargeBinary(16), primary_key=True),
    Column("position", BigInteger, primary_key=True),  # of the ledger
)

person_indexed = Table(  # how far the ledger is indexed, and under which data key; none: not begun
    "person_indexed",
    metadata,
    Column("key_id", String(16), primary_key=True),
    Column("position", BigInteger, nullable=False),
)
