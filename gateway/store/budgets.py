"""What a source's recent pages have spent of its error budget; answered from an index, never from the pages' bodies."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select, update

from gateway.store.pages import LANDED
from gateway.store.parent_holds import waiting_since
from gateway.store.tables import raw_page, source_state


class Spent(NamedTuple):
    """Records of the recent pages, and how many of them were refused; those that wait for their case are neither."""

    landed: int
    refused: int


def spent(transaction: Connection, source_id: str, recent: int) -> Spent:
    """Of the ``recent`` newest pages that were normalised since a person last resumed the source."""
    page = raw_page.c
    since = transaction.scalar(select(source_state.c.budget_since).where(source_state.c.source_id == source_id))
    asked = select(page.received_at, page.landed, page.quarantined)
    asked = asked.where(page.source_id == source_id, page.state != LANDED)
    if since is not None:
        asked = asked.where(page.received_at > since)
    found = transaction.execute(asked.order_by(page.received_at.desc()).limit(recent)).all()
    if not found:
        return Spent(0, 0)
    held = waiting_since(transaction, source_id, found[-1].received_at)
    landed, refused = sum(row.landed or 0 for row in found), sum(row.quarantined or 0 for row in found)
    return Spent(landed - held, max(refused - held, 0))


def renew(transaction: Connection, source_id: str) -> None:
    """A person has looked: pages normalised so far count no more."""
    page = raw_page.c
    newest = select(func.max(page.received_at)).where(page.source_id == source_id, page.state != LANDED)
    transaction.execute(
        update(source_state).where(source_state.c.source_id == source_id).values(budget_since=newest.scalar_subquery())
    )
