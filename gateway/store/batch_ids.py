"""Which batches are meant: their ids, or their numbers in the sequence, by what is known of them."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from gateway.domain.batch import OPEN, BatchState
from gateway.store.tables import batch


class BatchFilter(NamedTuple):
    """Which batches are meant; what is empty holds nobody out."""

    target_id: str | None = None
    states: tuple[BatchState, ...] = ()
    codes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    business_dates: tuple[str, ...] = ()


def ids_where(connection: Connection, wanted: BatchFilter) -> list[str]:
    """Ids of the batches that are meant, in the order of sealing."""
    query = select(batch.c.batch_id).order_by(batch.c.target_id, batch.c.seq)
    if wanted.target_id is not None:
        query = query.where(batch.c.target_id == wanted.target_id)
    for column, values in (
        (batch.c.state, wanted.states),
        (batch.c.failure_code, wanted.codes),
        (batch.c.failure_class, wanted.classes),
        (batch.c.business_date, wanted.business_dates),
    ):
        if values:
            query = query.where(column.in_(list(values)))
    return list(connection.scalars(query))


def open_numbers(connection: Connection, target_id: str) -> set[int]:
    """Numbers of the sequence whose batches may still arrive."""
    query = select(batch.c.seq).where(batch.c.target_id == target_id, batch.c.state.in_(list(OPEN)))
    return set(connection.scalars(query))


def ids_like(connection: Connection, prefix: str) -> list[str]:
    """At most two ids that begin with ``prefix``: enough to tell one from several."""
    query = select(batch.c.batch_id).where(batch.c.batch_id.startswith(prefix.lower(), autoescape=True))
    return list(connection.scalars(query.order_by(batch.c.batch_id).limit(2)))
