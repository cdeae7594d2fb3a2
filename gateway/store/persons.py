"""Whom records are about, by blind index: which cells wait to be indexed, and the records that one value leads to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from gateway.store import bulk
from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import audit_event, ledger_record, person_index, person_indexed

COLUMNS = ("field", "value", "position")


class Cell(NamedTuple):
    """The personal data of one ledger row, sealed."""

    position: int
    kind: str
    record_key: str
    version: int
    personal: bytes


class Mark(NamedTuple):
    """One value of one row, as its blind index."""

    field: str
    value: bytes
    position: int


@dataclass(frozen=True, slots=True)
class About:
    """A ledger row that is about the person asked for; times aware."""

    kind: str
    record_key: str
    version: int
    source_id: str
    event_at: datetime
    received_at: datetime


def indexed_to(transaction: Connection, key_id: str) -> int | None:
    """The position up to which all rows are indexed under ``key_id``; none when nothing is."""
    asked = select(person_indexed.c.position).where(person_indexed.c.key_id == key_id)
    found: int | None = transaction.execute(asked).scalar()
    return found


def begin_anew(transaction: Connection, key_id: str) -> None:
    """Forget what was indexed under another key. The caller holds the ledger's lock."""
    transaction.execute(delete(person_index))
    transaction.execute(delete(person_indexed))
    transaction.execute(insert(person_indexed).values(key_id=key_id, position=0))


def last_position(transaction: Connection) -> int:
    return int(transaction.execute(select(func.max(ledger_record.c.position))).scalar() or 0)


def cells(transaction: Connection, after: int, upto: int) -> list[Cell]:
    """Rows with personal data, of positions beyond ``after`` and not beyond ``upto``."""
    held = ledger_record.c
    asked = select(held.position, held.kind, held.record_key, held.version, held.personal).where(
        held.position > after, held.position <= upto, held.personal.is_not(None)
    )
    return [Cell(*row) for row in transaction.execute(asked)]


def add(transaction: Connection, marks: Collection[Mark], key_id: str, after: int, upto: int) -> bool:
    """Index the rows between; whether it was left to us, and nobody else has done it in the meantime."""
    ours = update(person_indexed).where(person_indexed.c.key_id == key_id, person_indexed.c.position == after)
    if not transaction.execute(ours.values(position=upto)).rowcount:
        return False
    bulk.insert(transaction, "person_index", COLUMNS, list(marks))
    return True


def find(transaction: Connection, field: str, value: bytes) -> list[About]:
    """Every version of every record about that person, oldest first."""
    held = ledger_record.c
    asked: Any = (
        select(held.kind, held.record_key, held.version, held.source_id, held.event_at, held.received_at)
        .join(person_index, person_index.c.position == held.position)
        .where(person_index.c.field == field, person_index.c.value == value)
        .order_by(held.position)
    )
    return [
        About(kind, key, version, source, utc_aware(event_at), utc_aware(received_at))
        for kind, key, version, source, event_at, received_at in transaction.execute(asked)
    ]


def asked_since(transaction: Connection, actor: str, act: str, since: datetime) -> int:
    """How often a person did ``act`` since then (aware)."""
    asked = select(func.count()).where(
        audit_event.c.actor == actor, audit_event.c.act == act, audit_event.c.happened_at >= utc_naive(since)
    )
    return int(transaction.execute(asked).scalar_one())
