"""What still waits (积压): records for the platform, orders for 12345, refused records for a person."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from gateway.domain.batch import OPEN
from gateway.domain.order import State
from gateway.store import bundles
from gateway.store.database import utc_aware
from gateway.store.outbox import RELEASED, WAITS_FOR_PARENT
from gateway.store.quarantine import OPEN as IN_QUARANTINE
from gateway.store.tables import batch, delivery_hold, ledger_record, quarantine, target_state, work_order


class Backlog(NamedTuple):
    """Records by how far they are from the platform."""

    ledger: int  # all record versions held
    unsealed: int  # not in any batch yet
    held: int  # waiting for their parent, for a person, or to go in parts of a divided batch
    in_batches: int  # sealed, no receipt result yet
    delivered: int  # accepted or held already by the platform
    rejected: int  # refused by the platform

    @property
    def unsent(self) -> int:
        return self.unsealed + self.held + self.in_batches


def backlog(connection: Connection, target_id: str) -> Backlog:
    """The backlog of ``target_id``."""
    position = select(target_state.c.position).where(target_state.c.target_id == target_id)
    watermark = connection.scalar(position) or 0
    count = func.count()
    of_target = batch.c.target_id == target_id
    in_batches, accepted, duplicates, rejected = connection.execute(
        select(
            func.coalesce(func.sum(batch.c.record_count).filter(batch.c.state.in_(list(OPEN))), 0),
            func.coalesce(func.sum(batch.c.accepted), 0),
            func.coalesce(func.sum(batch.c.duplicates), 0),
            func.coalesce(func.sum(batch.c.rejected), 0),
        ).where(of_target)
    ).one()
    return Backlog(
        ledger=connection.scalar(select(count).select_from(ledger_record)) or 0,
        unsealed=connection.scalar(select(count).where(ledger_record.c.position > watermark)) or 0,
        held=(connection.scalar(select(count).where(delivery_hold.c.target_id == target_id)) or 0)
        + bundles.waiting(connection, target_id),
        in_batches=int(in_batches),
        delivered=int(accepted) + int(duplicates),
        rejected=int(rejected),
    )


class Held(NamedTuple):
    """Records that wait for a person's decision at a target, for one reason."""

    target_id: str
    reason: str
    records: int
    since: datetime  # the first of them; aware
    keys: tuple[str, ...]  # the first few


def held_for_a_person(connection: Connection, few: int = 20) -> list[Held]:
    """What is held for anything but its parent, by target and reason."""
    hold = delivery_hold.c
    waits = hold.reason.not_in([WAITS_FOR_PARENT, RELEASED])
    asked = select(hold.target_id, hold.reason, func.count(), func.min(hold.since)).where(waits)
    found = connection.execute(asked.group_by(hold.target_id, hold.reason).order_by(hold.target_id, hold.reason)).all()
    return [
        Held(target_id, reason, int(records), utc_aware(since), _held_keys(connection, target_id, reason, few))
        for target_id, reason, records, since in found
    ]


def _held_keys(connection: Connection, target_id: str, reason: str, few: int) -> tuple[str, ...]:
    hold, of = delivery_hold.c, delivery_hold.c.position == ledger_record.c.position
    asked = select(ledger_record.c.record_key).join(delivery_hold, of)
    asked = asked.where(hold.target_id == target_id, hold.reason == reason).order_by(hold.position).limit(few)
    return tuple(connection.execute(asked).scalars())


def quarantine_open(connection: Connection) -> int:
    """Records in quarantine that nobody has let out yet."""
    return connection.scalar(select(func.count()).where(quarantine.c.state == IN_QUARANTINE)) or 0


def order_trouble(connection: Connection) -> tuple[str, str | None] | None:
    """Code and detail of the error that an undispatched order met last; none when dispatching goes well."""
    waiting = work_order.c.state.in_([State.PENDING_DISPATCH, State.DISPATCHING_UNKNOWN])
    met = select(work_order.c.error_code, work_order.c.error_detail).where(
        waiting, work_order.c.error_code.is_not(None)
    )
    found = connection.execute(met.order_by(work_order.c.updated_at.desc()).limit(1)).first()
    return None if found is None else (found.error_code, found.error_detail)
