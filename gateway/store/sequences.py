"""The sequence after a restored backup: where our books end, what has no receipt, what took a number anew."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from gateway.domain.batch import OPEN, RECEIPTED, BatchEvent, BatchState
from gateway.store import batches, outbox
from gateway.store.batch_records import records_of
from gateway.store.batches import BatchRow, select_batches
from gateway.store.reconciliations import SETTLED_UNDELIVERED
from gateway.store.tables import batch, batch_record, stream

REFUSED = "batch.sequence"
PAGE = 200


def last_seq(connection: Connection, target_id: str, name: str) -> int:
    """The number of the last batch in our books; 0 when there is none."""
    asked = select(stream.c.last_seq).where(stream.c.target_id == target_id, stream.c.name == name)
    return int(connection.execute(asked).scalar() or 0)


def without_receipt(connection: Connection, target_id: str, after: int) -> list[BatchRow]:
    """A page of batches behind the number ``after`` that no receipt has settled as delivered."""
    return select_batches(
        connection,
        batch.c.target_id == target_id,
        batch.c.seq > after,
        batch.c.state.in_([*OPEN, *SETTLED_UNDELIVERED]),
        limit=PAGE,
    )


def receipted_at(connection: Connection, target_id: str, name: str, numbers: list[int]) -> list[BatchRow]:
    """Batches with a receipt of ours under ``numbers``, which the platform says it never saw."""
    return select_batches(
        connection,
        batch.c.target_id == target_id,
        batch.c.stream == name,
        batch.c.seq.in_(numbers),
        batch.c.state.in_(list(RECEIPTED)),
    )


def last_day(connection: Connection, target_id: str) -> str | None:
    """The business date of the last batch in our books."""
    asked = select(batch.c.business_date).where(batch.c.target_id == target_id).order_by(batch.c.seq.desc()).limit(1)
    return connection.execute(asked).scalar()


def clashing(connection: Connection, target_id: str, *, maybe_sent: bool = False) -> list[BatchRow]:
    """Batches that took a number anew which the platform holds already, and were refused for it.

    ``maybe_sent``: those of which an earlier attempt may still have arrived, instead of those that certainly did not.
    """
    return select_batches(
        connection,
        batch.c.target_id == target_id,
        batch.c.state == BatchState.SUSPENDED,
        batch.c.failure_code == REFUSED,
        batch.c.maybe_sent == int(maybe_sent),
    )


def cancel(connection: Connection, row: BatchRow, at: datetime, actor: str, reason: str) -> None:
    """Row 27: a batch that never took effect; its records go into another one, as the same versions."""
    batches.step(connection, row, BatchEvent.CANCELLED, at, actor, detail=reason)
    positions = select(batch_record.c.position).where(records_of(row.batch_id))
    outbox.hold(connection, row.target_id, connection.execute(positions).scalars(), outbox.RELEASED, at)
