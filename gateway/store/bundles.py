"""Bundles (拆分组): records of a batch that was divided, each bundle to be sealed as one batch, alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select

from gateway.store import bulk
from gateway.store.database import utc_naive
from gateway.store.outbox import CANDIDATE, Candidate, candidates, portions
from gateway.store.tables import bundle, ledger_record

SPLIT = "split"  # the item code of a divided batch's records: neither refused nor there, they go in another batch


class Bundle(NamedTuple):
    """The records of one part, in the order of the ledger."""

    parent_batch_id: str
    part: int
    records: list[Candidate]


def divide(
    connection: Connection, target_id: str, parent_batch_id: str, positions: Sequence[int], parts: int, at: datetime
) -> int:
    """Make up to ``parts`` bundles of about equal size of a batch's records, in its order; how many were made."""
    size = -(-len(positions) // parts)
    rows = [
        (parent_batch_id, index // size, position, target_id, utc_naive(at)) for index, position in enumerate(positions)
    ]
    bulk.insert(connection, "bundle", ("parent_batch_id", "part", "position", "target_id", "made_at"), rows)
    return -(-len(positions) // size)


def first(connection: Connection, target_id: str) -> Bundle | None:
    """The bundle that has waited longest: breadth first, so that neighbours of a poisonous record arrive early."""
    oldest = connection.execute(
        select(bundle.c.parent_batch_id, bundle.c.part)
        .where(bundle.c.target_id == target_id)
        .order_by(bundle.c.made_at, bundle.c.parent_batch_id, bundle.c.part)
        .limit(1)
    ).first()
    if oldest is None:
        return None
    found = connection.execute(
        select(*CANDIDATE)
        .join(bundle, bundle.c.position == ledger_record.c.position)
        .where(bundle.c.parent_batch_id == oldest.parent_batch_id, bundle.c.part == oldest.part)
        .order_by(ledger_record.c.position)
    )
    return Bundle(oldest.parent_batch_id, oldest.part, candidates(found))


def drop(connection: Connection, taken: Bundle, positions: Sequence[int]) -> None:
    """The records at ``positions`` have left the bundle: they are in a batch, or held."""
    of_part = bundle.c.parent_batch_id == taken.parent_batch_id, bundle.c.part == taken.part
    for some in portions(positions):
        connection.execute(delete(bundle).where(*of_part, bundle.c.position.in_(some)))


def waiting(connection: Connection, target_id: str) -> int:
    """Records that wait in bundles."""
    return connection.scalar(select(func.count()).where(bundle.c.target_id == target_id)) or 0
