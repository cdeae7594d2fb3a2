"""Data keys (数据密钥) at rest: each wrapped by the key-encryption key, which the database never sees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from gateway.crypto.data_keys import WrappedKey
from gateway.store.tables import crypto_key


def stored_keys(transaction: Connection) -> list[WrappedKey]:
    """Every data key, oldest first."""
    columns = [crypto_key.c[field.name] for field in fields(WrappedKey)]
    found = transaction.execute(select(*columns).order_by(crypto_key.c.not_before, crypto_key.c.key_id))
    return [WrappedKey(**row) for row in found.mappings()]


def add_keys(transaction: Connection, rows: Iterable[WrappedKey]) -> None:
    """Store new keys. The caller holds the ledger's lock, so that two first starts can't both make them."""
    for row in rows:
        transaction.execute(insert(crypto_key).values(asdict(row)))


def retire(transaction: Connection, key_id: str, state: str, now: datetime) -> None:
    """The key opens what it sealed, and seals nothing from ``now`` (UTC without zone) on."""
    _change(transaction, key_id, state=state, not_after=now)


def rewrapped(transaction: Connection, row: WrappedKey) -> None:
    """The same key under another key-encryption key."""
    _change(transaction, row.key_id, wrapped=row.wrapped, kek_id=row.kek_id)


def destroyed(transaction: Connection, key_id: str, state: str) -> None:
    """The key is gone for good; its row stays."""
    _change(transaction, key_id, state=state, wrapped=b"")


def _change(transaction: Connection, key_id: str, **values: Any) -> None:
    transaction.execute(update(crypto_key).where(crypto_key.c.key_id == key_id).values(values))
