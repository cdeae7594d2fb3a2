"""What all workers share of one connection (共享额度): the turn of the next call, and slots for pulls at once.

Both are rows that are moved by one statement: a worker that dies holds nothing up but the turn that it had taken, or
its slot until that lapses.
"""

from __future__ import annotations

from sqlalchemy import Connection, case, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.store.tables import connection_slot, connection_turn


def take_turn(transaction: Connection, connection_id: str, now: float, interval: float, burst: int) -> float:
    """Take the next turn; how many seconds to wait for it. First come, first served, whoever asks.

    ``now``: seconds since the epoch; ``interval``: seconds between two calls; ``burst``: calls at once after a rest.
    """
    row = connection_turn.c
    _there(transaction, connection_id, now)
    transaction.execute(
        update(connection_turn)
        .where(row.connection_id == connection_id)
        .values(due=case((row.due > now, row.due), else_=now) + interval)
    )
    due = transaction.execute(select(row.due).where(row.connection_id == connection_id)).scalar_one()
    return max(0.0, float(due) - interval * burst - now)


def take_slot(
    transaction: Connection, connection_id: str, most: int, holder: str, now: int, seconds: int
) -> int | None:
    """One of the connection's ``most`` slots, for ``seconds`` from ``now`` (milliseconds); ``None``: all are taken."""
    row = connection_slot.c
    for slot in range(most):
        known = {"connection_id": connection_id, "slot": slot}
        taken = {"holder": holder, "until": now + seconds * 1000}
        free = update(connection_slot).where(row.connection_id == connection_id, row.slot == slot, row.until <= now)
        if transaction.execute(free.values(taken)).rowcount == 1:
            return slot
        try:
            with transaction.begin_nested():
                transaction.execute(insert(connection_slot).values(known | taken))
        except IntegrityError:
            continue  # somebody has it
        return slot
    return None


def keep_slot(transaction: Connection, connection_id: str, holder: str, until: int) -> None:
    """Hold the slot until then (milliseconds); a moment that has passed gives it back."""
    row = connection_slot.c
    mine = update(connection_slot).where(row.connection_id == connection_id, row.holder == holder)
    transaction.execute(mine.values(until=until))


def _there(transaction: Connection, connection_id: str, now: float) -> None:
    asked = select(connection_turn.c.due).where(connection_turn.c.connection_id == connection_id)
    if transaction.execute(asked).first() is not None:
        return
    try:
        with transaction.begin_nested():
            transaction.execute(insert(connection_turn).values(connection_id=connection_id, due=now))
    except IntegrityError:
        pass  # another worker's first call
