"""Void notices (作废通知) as outbox items: owed with the batch's end, sent until answered, kept as they were signed."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, insert, or_, select, update

from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import void_notice

WAITING, VOID, ACCEPTED, TAKEN = "waiting", "void", "accepted", "taken"
MOST: Final = 500  # notices a run
LOST: Final = "sequence.lost"  # the reason of a number whose batch a restored database knows nothing of


class VoidNotice(NamedTuple):
    """One number of the sequence that no batch will fill.

    ``state``: ``waiting`` for an answer; ``void``: the hole is closed; ``accepted``: the platform has the batch;
    ``taken``: the platform holds the number for another batch, so that there is no hole. Times are aware.
    """

    batch_id: str
    target_id: str
    stream: str
    seq: int
    header_digest: str
    reason: str
    state: str
    notice: bytes | None
    owed_at: datetime
    attempts: int
    next_attempt_at: datetime | None
    code: str | None


_COLUMNS = tuple(void_notice.c[name] for name in VoidNotice._fields)


def owe(
    connection: Connection,
    batch_id: str,
    target_id: str,
    stream: str,
    seq: int,
    header_digest: str,
    reason: str,
    at: datetime,
) -> None:
    """The platform is to be told that ``seq`` won't be filled; written with what ends the batch."""
    connection.execute(
        insert(void_notice).values(
            batch_id=batch_id,
            target_id=target_id,
            stream=stream,
            seq=seq,
            header_digest=header_digest,
            reason=reason,
            state=WAITING,
            owed_at=utc_naive(at),
            attempts=0,
        )
    )


def due(connection: Connection, target_id: str, now: datetime, limit: int = MOST) -> list[VoidNotice]:
    """Unanswered notices whose time has come, in the order of the sequence."""
    due_by = or_(void_notice.c.next_attempt_at.is_(None), void_notice.c.next_attempt_at <= utc_naive(now))
    asked = select(*_COLUMNS).where(void_notice.c.target_id == target_id, void_notice.c.state == WAITING, due_by)
    return [_notice(row) for row in connection.execute(asked.order_by(void_notice.c.seq).limit(limit))]


def unanswered(connection: Connection, target_id: str | None = None) -> list[VoidNotice]:
    """All that wait, oldest first."""
    asked = select(*_COLUMNS).where(void_notice.c.state == WAITING).order_by(void_notice.c.owed_at, void_notice.c.seq)
    if target_id is not None:
        asked = asked.where(void_notice.c.target_id == target_id)
    return [_notice(row) for row in connection.execute(asked)]


def find(connection: Connection, batch_id: str) -> VoidNotice | None:
    """The notice owed for a batch, if there is one."""
    row = connection.execute(select(*_COLUMNS).where(void_notice.c.batch_id == batch_id)).first()
    return None if row is None else _notice(row)


def keep_signed(connection: Connection, batch_id: str, notice: bytes) -> bytes:
    """Keep the signed bytes before they are sent first; what another worker has signed already is what is sent."""
    connection.execute(
        update(void_notice)
        .where(void_notice.c.batch_id == batch_id, void_notice.c.notice.is_(None))
        .values(notice=notice)
    )
    return bytes(
        connection.execute(select(void_notice.c.notice).where(void_notice.c.batch_id == batch_id)).scalar_one()
    )


def answered(connection: Connection, batch_id: str, state: str, at: datetime, code: str | None = None) -> bool:
    """The platform's last word on the notice; false when another worker has noted one already."""
    done = connection.execute(
        update(void_notice)
        .where(void_notice.c.batch_id == batch_id, void_notice.c.state == WAITING)
        .values(state=state, answered_at=utc_naive(at), next_attempt_at=None, code=code)
    )
    return done.rowcount == 1


def put_off(connection: Connection, batch_id: str, code: str, until: datetime) -> None:
    """No answer that ends it: again at ``until``."""
    connection.execute(
        update(void_notice)
        .where(void_notice.c.batch_id == batch_id, void_notice.c.state == WAITING)
        .values(code=code, next_attempt_at=utc_naive(until), attempts=void_notice.c.attempts + 1)
    )


def _notice(row: object) -> VoidNotice:
    found = VoidNotice._make(row)  # type: ignore[arg-type]
    return found._replace(
        notice=None if found.notice is None else bytes(found.notice),
        owed_at=utc_aware(found.owed_at),
        next_attempt_at=None if found.next_attempt_at is None else utc_aware(found.next_attempt_at),
    )
