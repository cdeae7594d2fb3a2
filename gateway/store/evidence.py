"""What the archive of evidence (存证) takes out of the database, what it knows of itself there, and the purge."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, or_, select, update

from gateway.domain.batch import SETTLED, BatchEvent, BatchState
from gateway.store import batches, bodies
from gateway.store.batch_records import records_of
from gateway.store.batches import BatchRow
from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import (
    batch,
    batch_attempt,
    batch_body,
    batch_event,
    batch_record,
    evidence_batch,
    evidence_day,
    receipt,
    reconciliation,
    reconciliation_sign,
    target_call,
)

CHUNK = 500
PURGEABLE = tuple(SETTLED - {BatchState.PURGED})


class SealedDay(NamedTuple):
    """One day of the chain as the database knows it."""

    day: str
    number: int
    seal_digest: str
    content_digest: str
    lines: int
    content_bytes: int


class Candidate(NamedTuple):
    """A settled batch whose retention is over. ``archived_day`` is none when its history as it stands is in no
    archive."""

    batch_id: str
    events: int
    body_bytes: int
    archived_day: str | None


class Dossier(NamedTuple):
    """All that is kept of one batch. ``body`` is empty when it is purged."""

    row: dict[str, Any]
    events: list[dict[str, Any]]
    attempts: list[dict[str, Any]]
    receipts: list[dict[str, Any]]
    body: bytes


def days(connection: Connection) -> list[SealedDay]:
    """The chain, oldest first."""
    columns = [evidence_day.c[name] for name in SealedDay._fields]
    return [SealedDay(*row) for row in connection.execute(select(*columns).order_by(evidence_day.c.number))]


def first_settled(connection: Connection) -> datetime | None:
    """When the first batch of all was settled; aware."""
    asked = select(func.min(batch.c.updated_at)).where(batch.c.state.in_(list(SETTLED)))
    found = connection.execute(asked).scalar()
    return None if found is None else utc_aware(found)


def due(connection: Connection, until: datetime, after: tuple[str, int, str] | None, limit: int = CHUNK) -> list[Any]:
    """Settled batches that last moved before ``until`` (aware) and whose history is in no archive as it stands: rows of
    target, number and id, in that order, behind ``after``."""
    place = (batch.c.target_id, batch.c.seq, batch.c.batch_id)
    asked = (
        select(*place)
        .outerjoin(evidence_batch, evidence_batch.c.batch_id == batch.c.batch_id)
        .where(
            batch.c.state.in_(list(SETTLED)),
            batch.c.updated_at < utc_naive(until),
            or_(evidence_batch.c.batch_id.is_(None), evidence_batch.c.events < _events()),
        )
        .order_by(*place)
        .limit(limit)
    )
    if after is not None:
        asked = asked.where(_behind(place, after))
    return [tuple(row) for row in connection.execute(asked)]


def dossier(connection: Connection, batch_id: str) -> Dossier:
    """Everything kept of ``batch_id``."""
    row = connection.execute(select(batch).where(batch.c.batch_id == batch_id)).mappings().one()
    return Dossier(
        dict(row),
        _rows(connection, select(batch_event).where(batch_event.c.batch_id == batch_id).order_by(batch_event.c.seq)),
        _rows(
            connection,
            select(batch_attempt).where(batch_attempt.c.batch_id == batch_id).order_by(batch_attempt.c.attempt),
        ),
        _rows(
            connection,
            select(receipt)
            .where(receipt.c.batch_id == batch_id)
            .order_by(receipt.c.first_seen_at, receipt.c.raw_digest),
        ),
        bodies.read(connection, batch_id),
    )


def compared_between(connection: Connection, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Results of reconciliation that were found in ``[since, until)`` (aware), each kind a row."""
    asked = (
        select(reconciliation)
        .where(reconciliation.c.checked_at >= utc_naive(since), reconciliation.c.checked_at < utc_naive(until))
        .order_by(reconciliation.c.target_id, reconciliation.c.business_date, reconciliation.c.kind)
    )
    return _rows(connection, asked)


def signed_between(connection: Connection, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Names that were put to results in ``[since, until)`` (aware)."""
    signed = reconciliation_sign
    asked = (
        select(signed)
        .where(signed.c.signed_at >= utc_naive(since), signed.c.signed_at < utc_naive(until))
        .order_by(signed.c.target_id, signed.c.business_date, signed.c.signed_at, signed.c.signer)
    )
    return _rows(connection, asked)


def note_batches(connection: Connection, day: str, archived: list[tuple[str, int]]) -> None:
    """``archived`` (batch id, events of its history) stand in the archive of ``day``."""
    ids = [batch_id for batch_id, _ in archived]
    connection.execute(delete(evidence_batch).where(evidence_batch.c.batch_id.in_(ids)))
    rows = [{"batch_id": batch_id, "day": day, "events": events} for batch_id, events in archived]
    connection.execute(insert(evidence_batch), rows)


def note_day(connection: Connection, sealed: SealedDay, at: datetime) -> None:
    """The day's seal is in the folder."""
    connection.execute(insert(evidence_day).values(**sealed._asdict(), sealed_at=utc_naive(at)))


def candidates(connection: Connection, before: datetime, after: str = "", limit: int = CHUNK) -> list[Candidate]:
    """Batches that were settled before ``before`` (aware) and not purged, behind the id ``after``."""
    asked = (
        select(
            batch.c.batch_id,
            _events().label("events"),
            batch.c.body_bytes,
            evidence_batch.c.day,
            evidence_batch.c.events.label("archived"),
        )
        .outerjoin(evidence_batch, evidence_batch.c.batch_id == batch.c.batch_id)
        .where(batch.c.state.in_(PURGEABLE), batch.c.updated_at < utc_naive(before), batch.c.batch_id > after)
        .order_by(batch.c.batch_id)
        .limit(limit)
    )
    return [
        Candidate(row.batch_id, row.events, row.body_bytes, row.day if row.archived == row.events else None)
        for row in connection.execute(asked)
    ]


def purge(connection: Connection, row: BatchRow, at: datetime, actor: str) -> None:
    """Row 31: the sealed bytes go, and the requests where records went one by one; id, digests, receipt, history and
    their answers stay.

    A cancelled batch took no effect: its records went into other ones, so its rows go as well, or they would look
    delivered.
    """
    if row.state is BatchState.CANCELLED:
        connection.execute(delete(batch_record).where(records_of(row.batch_id)))
    connection.execute(delete(batch_body).where(batch_body.c.batch_id == row.batch_id))
    connection.execute(update(target_call).where(target_call.c.batch_id == row.batch_id).values(request=None))
    batches.step(connection, row, BatchEvent.PURGED, at, actor)


def _events() -> Any:
    counted = select(func.count()).select_from(batch_event).where(batch_event.c.batch_id == batch.c.batch_id)
    return counted.correlate(batch).scalar_subquery()


def _behind(place: tuple[ColumnElement[Any], ...], after: tuple[Any, ...]) -> ColumnElement[bool]:
    target, seq, batch_id = place
    return or_(
        target > after[0],
        (target == after[0]) & (seq > after[1]),
        (target == after[0]) & (seq == after[1]) & (batch_id > after[2]),
    )


def _rows(connection: Connection, asked: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(asked).mappings()]
