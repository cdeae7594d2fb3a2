"""Revisions (版次): of sources that number or date their versions, the newest one of each record that is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from gateway.store import bulk
from gateway.store.tables import source_revision

COLUMNS = ("source_id", "record_key", "revision", "position")


class Held(NamedTuple):
    revision: str
    position: int


def held(transaction: Connection, source_id: str, keys: Sequence[str]) -> dict[str, Held]:
    """The newest revision held of each key that has one."""
    found = bulk.select_in(
        transaction, "source_revision", COLUMNS[1:], {"source_id": source_id}, "record_key", list(keys)
    )
    return {key: Held(revision, int(position)) for key, revision, position in found}


def remember(transaction: Connection, source_id: str, newest: Mapping[str, tuple[str, str]]) -> None:
    """Note the revision of each record (key → kind, revision) that is held now. The caller holds the ledger's lock."""
    rows = []
    for kind in sorted({kind for kind, _ in newest.values()}):
        keys = sorted(key for key, (its, _) in newest.items() if its == kind)
        positions: dict[str, int] = {}
        found = bulk.select_in(
            transaction, "ledger_record", ("record_key", "position"), {"kind": kind}, "record_key", keys
        )
        for key, position in found:
            positions[key] = max(int(position), positions.get(key, 0))
        rows += [(source_id, key, newest[key][1], positions[key]) for key in keys if key in positions]
    known = sorted(held(transaction, source_id, [row[1] for row in rows]))
    for start in range(0, len(known), 500):
        gone = source_revision.c.record_key.in_(known[start : start + 500])
        transaction.execute(source_revision.delete().where(source_revision.c.source_id == source_id, gone))
    bulk.insert(transaction, "source_revision", COLUMNS, rows)
