"""Data keys (数据密钥) at rest: each wrapped by the key-encryption key, which the database never sees."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import crypto_key


class StoredKey(NamedTuple):
    """One row of ``crypto_key``; times aware."""

    key_id: str
    purpose: str
    alg: str
    wrapped: bytes
    kek_id: str
    state: str
    not_before: datetime
    not_after: datetime | None = None


def stored_keys(transaction: Connection) -> list[StoredKey]:
    """Every data key, oldest first."""
    columns = [crypto_key.c[name] for name in StoredKey._fields]
    found = transaction.execute(select(*columns).order_by(crypto_key.c.not_before, crypto_key.c.key_id))
    return [
        StoredKey(*row[:3], bytes(row[3]), *row[4:6], utc_aware(row[6]), utc_aware(row[7]) if row[7] else None)
        for row in found
    ]


def add_key(transaction: Connection, key: StoredKey) -> bool:
    """Store a new key. False: that id is there already, and stays as it is."""
    until = None if key.not_after is None else utc_naive(key.not_after)
    values = key._asdict() | {"not_before": utc_naive(key.not_before), "not_after": until}
    try:
        with transaction.begin_nested():
            transaction.execute(insert(crypto_key).values(values))
    except IntegrityError:
        return False
    return True
