"""What a platform publishes of itself (平台公布): kept as fetched, in force from when a person applied it."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, insert, select, update

from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import published

KEYS, INDICATORS = "keys", "indicators"


class Published(NamedTuple):
    """One document. Moments aware; ``valid_from`` is none until it is applied, ``valid_to`` until another is."""

    published_id: str
    target_id: str
    kind: str
    version: str
    digest: str
    body: str
    fetched_at: datetime
    applied_at: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


def keep(
    transaction: Connection, target_id: str, kind: str, version: str, digest: str, body: str, now: datetime
) -> Published:
    """The document as fetched ``now``; the one that is there already when nothing has changed since."""
    found = latest(transaction, target_id, kind)
    if found is not None and found.digest == digest:
        return found
    document = Published(secrets.token_hex(16), target_id, kind, version, digest, body, now)
    transaction.execute(insert(published).values(document._asdict() | {"fetched_at": utc_naive(now)}))
    return document


def latest(transaction: Connection, target_id: str, kind: str) -> Published | None:
    """What was fetched last, applied or not."""
    return next(iter(history(transaction, target_id, kind)), None)


def unapplied(transaction: Connection, target_id: str) -> list[Published]:
    """What was fetched last and waits for a person to apply it."""
    found = [latest(transaction, target_id, kind) for kind in (KEYS, INDICATORS)]
    return [document for document in found if document is not None and document.applied_at is None]


def history(transaction: Connection, target_id: str, kind: str) -> list[Published]:
    """Every document of this kind, newest first."""
    mine = (published.c.target_id == target_id) & (published.c.kind == kind)
    asked = select(published).where(mine).order_by(published.c.fetched_at.desc(), published.c.published_id)
    return [_document(row) for row in transaction.execute(asked)]


def applied(transaction: Connection, target_id: str, kind: str, now: datetime) -> list[Published]:
    """The documents that came into force until ``now``, newest first: the first one is in force."""
    mine = (published.c.target_id == target_id) & (published.c.kind == kind)
    begun = published.c.valid_from <= utc_naive(now)
    counted = published.c.valid_to.is_(None) | (published.c.valid_to > published.c.valid_from)
    newest = (published.c.valid_from.desc(), published.c.applied_at.desc())
    asked = select(published).where(mine & begun & counted).order_by(*newest)
    return [_document(row) for row in transaction.execute(asked)]


def apply(transaction: Connection, document: Published, now: datetime, valid_from: datetime) -> None:
    """``document`` counts from ``valid_from`` on, those before it until then. The caller holds the ledger's lock."""
    mine = (published.c.target_id == document.target_id) & (published.c.kind == document.kind)
    since = utc_naive(valid_from)
    _change(transaction, mine & published.c.valid_from.is_not(None) & published.c.valid_to.is_(None), valid_to=since)
    this = published.c.published_id == document.published_id
    _change(transaction, this, applied_at=utc_naive(now), valid_from=since, valid_to=None)


def _change(transaction: Connection, where: Any, **values: Any) -> None:
    transaction.execute(update(published).where(where).values(values))


def _document(row: Row[Any]) -> Published:
    fields = dict(row._mapping)
    for name in ("fetched_at", "applied_at", "valid_from", "valid_to"):
        fields[name] = None if fields[name] is None else utc_aware(fields[name])
    return Published(**fields)
