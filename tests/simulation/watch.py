"""What a run must leave alone: leases that live (I11), and attempts while the target stands still (I7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.stages.delivery_acts import show_target

if TYPE_CHECKING:
    from tests.simulation.world import World

TARGET = "national"
Leases = dict[str, tuple[str, int, str]]  # batch id, token, until


def leased(world: World) -> Leases:
    """Batches under a lease that lives still; a run that begins now has no business with them."""
    query = "SELECT batch_id, lease_token, lease_until FROM batch WHERE state = 'SENDING' AND lease_until > :now"
    return {row[0]: row for row in world.rows(query, now=_column(world.clock()))}  # type: ignore[misc]


def touched(world: World, before: Leases) -> Iterator[str]:
    """Those of ``before`` whose lease lives still and isn't theirs any more."""
    held = {row[:2] for row in world.rows("SELECT batch_id, lease_token FROM batch WHERE state = 'SENDING'")}
    for batch_id, token, until in before.values():
        if until > _column(world.clock()) and (batch_id, token) not in held:
            yield f"I11 a living lease was touched: {batch_id}, {token}"


def attempts(world: World) -> dict[str, int] | None:
    """What stays as it is while the target stands still; none while it doesn't."""
    if show_target(world.context, TARGET).admits(world.clock()):
        return None
    return dict(world.rows("SELECT batch_id, attempts FROM batch WHERE state <> 'SENDING'"))


def used(world: World, before: dict[str, int] | None) -> Iterator[str]:
    """Attempts that were counted although the target stood still all the time."""
    after = attempts(world)
    if before is None or after is None:
        return
    for batch_id, number in before.items():
        if after.get(batch_id, number) != number:
            yield f"I7 an attempt was used while the target stood still: {batch_id}"


def _column(moment: datetime) -> str:
    """As SQLite's columns hold it."""
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
