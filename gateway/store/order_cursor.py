"""How far 12345's changes have been read: a row of ``source_state`` under a reserved id, moved by compare-and-swap."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from gateway.errors import Transient
from gateway.store.tables import source_state, work_order


def read_cursor(transaction: Connection, cursor_id: str) -> tuple[str | None, int]:
    """Text and version; (none, 0) before the first move."""
    state = source_state.c
    row = transaction.execute(
        select(state.cursor_text, state.cursor_version).where(state.source_id == cursor_id)
    ).first()
    return (None, 0) if row is None else (row.cursor_text, row.cursor_version)


def move_cursor(transaction: Connection, cursor_id: str, text: str, version: int, now: datetime) -> None:
    """Set the cursor that was read at ``version``. ``Transient('order.cursor_moved')`` if another run moved it."""
    state = source_state.c
    fresh = {"cursor_text": text, "cursor_version": version + 1, "last_attempt_at": now, "last_success_at": now}
    moved = transaction.execute(
        update(source_state).where(state.source_id == cursor_id, state.cursor_version == version).values(**fresh)
    )
    if moved.rowcount == 1:
        return
    if version or transaction.execute(select(state.source_id).where(state.source_id == cursor_id)).first():
        raise Transient("order.cursor_moved", cursor=cursor_id)
    transaction.execute(insert(source_state).values(source_id=cursor_id, failures=0, **fresh))


def oldest_order(transaction: Connection) -> datetime | None:
    """When the first order was received: where reading starts without a cursor."""
    oldest: datetime | None = transaction.execute(select(func.min(work_order.c.received_at))).scalar_one()
    return oldest
