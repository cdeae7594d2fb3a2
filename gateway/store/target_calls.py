"""Calls of single records: what was sent for each, under whose lease, and what came back.

Writers are fenced: a worker whose lease has lapsed or passed on gets ``Transient('batch.stale')`` and stops.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, update

from gateway.domain.batch import BatchState
from gateway.errors import Transient
from gateway.store.batch_records import records_of
from gateway.store.database import utc_naive
from gateway.store.tables import batch, batch_record, ledger_record, target_call

REQUEST, ANSWER = "target_call_request", "target_call_answer"  # the vault's purposes; their row id is `call_row`
READY: Final = "ready"
BEGUN: Final = "begun"
DONE: Final = "done"


class CallRow(NamedTuple):
    """One record of a batch, with its call; ``state`` is none before the first."""

    item: int
    position: int
    kind: str
    record_key: str
    version: int
    parent_key: str | None
    state: str | None
    outcome: str | None
    code: str | None
    tries: int | None
    request: bytes | None
    content_digest: str | None
    answer: bytes | None


class RecordRow(NamedTuple):
    """A record as the ledger holds it; ``personal`` is sealed."""

    kind: str
    record_key: str
    version: int
    parent_key: str | None
    content: str
    personal: bytes | None


_RECORD = tuple(ledger_record.c[name] for name in RecordRow._fields)


def call_row(batch_id: str, item: int) -> str:
    """The vault's row id of a call's cells."""
    return f"{batch_id}/{item}"


def rows(connection: Connection, batch_id: str) -> list[CallRow]:
    """All records of the batch, in the order of its content."""
    call, record = target_call.c, ledger_record.c
    found = connection.execute(
        select(
            *(batch_record.c.item, batch_record.c.position),
            *(record.kind, record.record_key, record.version, record.parent_key),
            *(call.state, call.outcome, call.code, call.tries, call.request, call.content_digest, call.answer),
        )
        .join(ledger_record, record.position == batch_record.c.position)
        .outerjoin(target_call, and_(call.batch_id == batch_id, call.item == batch_record.c.item))
        .where(records_of(batch_id))
        .order_by(batch_record.c.item)
    )
    return list(map(CallRow._make, found))


def record_at(connection: Connection, position: int) -> RecordRow:
    """The very version that the batch holds."""
    return RecordRow(*connection.execute(select(*_RECORD).where(ledger_record.c.position == position)).one())


def newest(connection: Connection, kind: str, record_key: str) -> RecordRow | None:
    """The newest version of a record."""
    found = connection.execute(
        select(*_RECORD)
        .where(ledger_record.c.kind == kind, ledger_record.c.record_key == record_key)
        .order_by(ledger_record.c.version.desc())
        .limit(1)
    ).first()
    return None if found is None else RecordRow(*found)


def reference(connection: Connection, target_id: str, kind: str, record_key: str) -> str | None:
    """What the receiver calls a record that it has, as JSON; the newest that it said."""
    return connection.execute(
        select(target_call.c.reference)
        .join(batch, batch.c.batch_id == target_call.c.batch_id)
        .join(
            batch_record,
            and_(batch_record.c.batch_number == batch.c.number, batch_record.c.item == target_call.c.item),
        )
        .join(ledger_record, ledger_record.c.position == batch_record.c.position)
        .where(
            ledger_record.c.kind == kind,
            ledger_record.c.record_key == record_key,
            batch.c.target_id == target_id,
            target_call.c.reference.is_not(None),
        )
        .order_by(ledger_record.c.version.desc())
        .limit(1)
    ).scalar()


def fence(connection: Connection, batch_id: str, token: int, now: datetime, until: datetime) -> None:
    """Renew the lease of a batch that is ours, else ``Transient('batch.stale')``."""
    held = connection.execute(
        update(batch)
        .where(
            batch.c.batch_id == batch_id,
            batch.c.state == BatchState.SENDING,
            batch.c.lease_token == token,
            batch.c.lease_until > utc_naive(now),
        )
        .values(lease_until=utc_naive(until))
    )
    if held.rowcount != 1:
        raise Transient("batch.stale", batch=batch_id, state=str(BatchState.SENDING))


def begin(
    connection: Connection,
    batch_id: str,
    item: int,
    request: tuple[bytes, str, str],
    now: datetime,
) -> None:
    """The first byte of a call is about to leave. ``request``: sealed bytes, their plain digest, the fields' digest.

    What an earlier attempt kept stays as it is.
    """
    begun = {"state": BEGUN, "begun_at": utc_naive(now)}
    again = connection.execute(
        update(target_call).where(_at(batch_id, item)).values(**begun, tries=target_call.c.tries + 1)
    )
    if again.rowcount == 0:
        sealed, request_digest, content_digest = request
        kept = {"request": sealed, "request_digest": request_digest, "content_digest": content_digest}
        connection.execute(insert(target_call).values(batch_id=batch_id, item=item, tries=1, **kept, **begun))


def put_back(connection: Connection, batch_id: str, item: int, state: str, tries: int) -> None:
    """The attempt that had begun left nothing: all is as before it."""
    connection.execute(update(target_call).where(_at(batch_id, item)).values(state=state, tries=tries))


def note(connection: Connection, batch_id: str, item: int, now: datetime, **values: Any) -> None:
    """What came back, or what we found out without a call; the row is made if there was none."""
    values = {**values, "answered_at": utc_naive(now)}
    noted = connection.execute(update(target_call).where(_at(batch_id, item)).values(values))
    if noted.rowcount == 0:
        connection.execute(insert(target_call).values(batch_id=batch_id, item=item, tries=0, **values))


class Doubt(NamedTuple):
    """A record whose call brought no answer."""

    batch_id: str
    item: int
    target_id: str
    state: str  # of its batch
    kind: str
    record_key: str
    version: int
    tries: int
    begun_at: datetime


def in_doubt(connection: Connection, batch_id: str | None = None) -> list[Doubt]:
    """Records in doubt, the oldest first."""
    asked = (
        select(
            *(target_call.c.batch_id, target_call.c.item, batch.c.target_id, batch.c.state),
            *(ledger_record.c.kind, ledger_record.c.record_key, ledger_record.c.version),
            *(target_call.c.tries, target_call.c.begun_at),
        )
        .join(batch, batch.c.batch_id == target_call.c.batch_id)
        .join(
            batch_record,
            and_(batch_record.c.batch_number == batch.c.number, batch_record.c.item == target_call.c.item),
        )
        .join(ledger_record, ledger_record.c.position == batch_record.c.position)
        .where(target_call.c.state == BEGUN)
        .order_by(target_call.c.begun_at, target_call.c.batch_id, target_call.c.item)
    )
    if batch_id is not None:
        asked = asked.where(target_call.c.batch_id == batch_id)
    return [Doubt(*row) for row in connection.execute(asked)]


def settle(connection: Connection, batch_id: str, item: int, actor: str, now: datetime, *, arrived: bool) -> bool:
    """What a person found out about a record in doubt; false when it is in doubt no more, or its batch is sending."""
    resting = select(batch.c.batch_id).where(batch.c.batch_id == batch_id, batch.c.state != BatchState.SENDING)
    found = {"state": DONE, "outcome": "delivered"} if arrived else {"state": READY, "outcome": None}
    done = connection.execute(
        update(target_call)
        .where(_at(batch_id, item), target_call.c.state == BEGUN, target_call.c.batch_id.in_(resting))
        .values(**found, code=None, settled_by=actor, answered_at=utc_naive(now))
    )
    return done.rowcount == 1


class CallCounts(NamedTuple):
    """Of one target: records that it accepted without a receipt, and records in doubt."""

    unreceipted: int
    in_doubt: int


def counts(connection: Connection, target_id: str) -> CallCounts:
    number = func.count()
    accepted, doubtful = connection.execute(
        select(
            number.filter(target_call.c.state == DONE, target_call.c.outcome == "delivered"),
            number.filter(target_call.c.state == BEGUN),
        )
        .join(batch, batch.c.batch_id == target_call.c.batch_id)
        .where(batch.c.target_id == target_id)
    ).one()
    return CallCounts(accepted, doubtful)


def _at(batch_id: str, item: int) -> ColumnElement[bool]:
    return and_(target_call.c.batch_id == batch_id, target_call.c.item == item)
