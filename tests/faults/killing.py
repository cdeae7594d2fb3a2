"""A town whose gateway is killed at named points, brought to rest again, and judged against one that lived in peace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.crash import POINTS
from tests.deployment import Deployment, deployment
from tests.faults.ending import ended
from tests.faults.forked import KILLED, Breaking, gw
from tests.faults.invariants import violations
from tests.faults.portions import Portions

SEED = 20261122
BATCH_RECORDS = 20
MOST_CYCLES = 12
MOST_ROUNDS = 20
PASS = {"pull.cursor": 2, "pull.landed": 3, "batch.moved": 3, "order.moved": 2, "track.moved": 2, "seal.sealed": 2}
# Not in a cycle: those have tests of their own.
BY_HAND = (
    "reconcile.repaired",
    "reconcile.signed",
    "resend.",
    "recover.",
    "evidence.",
    "purge.",
    "backfill.",
    "person.",
)
BEFORE = {"sweep.swept": "s2", "status.asked": "s3", "dispatch.asked": "dispatch.called"}  # killed there first


def kills(points: Iterator[str] | list[str]) -> list[str]:
    """The points, each after the one without which nothing would ever come there."""
    return [kill for point in points for kill in (BEFORE.get(point), point) if kill]


IN_A_CYCLE = [point for point in POINTS if not point.startswith(BY_HAND)]
EVERY = kills(IN_A_CYCLE)
INSIDE_A_TRANSACTION = kills([point for point in IN_A_CYCLE if "uncommitted" in POINTS[point]])


@dataclass(frozen=True)
class Plan:
    """The records of a town, and in how many portions they appear at its sources."""

    records: int
    portions: int
    base: datetime
    seed: int = SEED

    @contextmanager
    def town(self, var: Path, url: str | None = None, **more: str) -> Iterator[tuple[Deployment, Portions]]:
        """The same records whenever it is called; nothing of them has appeared yet."""
        portions = Portions(var, records=self.records, seed=self.seed, base=self.base, number=self.portions)
        own = {"records": self.records, "seed": self.seed, "base": self.base, "batch_records": BATCH_RECORDS}
        with deployment(var, url, **own, **more) as town:  # type: ignore[arg-type]
            yield town, portions

    def in_peace(self, var: Path) -> dict[str, Any]:
        """How it ends when nobody disturbs it."""
        with self.town(var) as (town, portions):
            portions.show(town, portions.left)
            until_quiet(town)
            assert violations(town) == {}
            found = ended(town)
        assert min(map(len, found.values())) > 3
        return found


def kill_at(town: Deployment, point: str, *, turn: int = 0, breaking: Breaking | None = None) -> None:
    """Cycles until one dies there: what the point needs may have to wait for the lease of one that was killed."""
    for _ in range(MOST_CYCLES):
        code = gw(town, "run", crash_at=f"{point}:{turn or PASS.get(point, 1)}", breaking=breaking)
        if code == KILLED:
            return
        assert code in (0, 3), (point, code)
    raise AssertionError(f"{point} was never reached")


def until_quiet(town: Deployment, rounds: int = MOST_ROUNDS) -> dict[str, int]:
    """Run, and let 12345 work, until nothing waits for a machine; what still waits after so many rounds."""
    for _ in range(rounds):
        assert gw(town, "run") in (0, 3)
        if not town.waiting():
            break
        town.tick(12)
    return town.waiting()


def harm(town: Deployment, calm: dict[str, Any]) -> dict[str, Any]:
    """All that is broken in a town at rest, or that ended otherwise than in peace; nothing when all is well."""
    found = dict[str, Any](violations(town))
    if waiting := town.waiting():
        found["never quiet"] = waiting
    if called := {key: order for key, order in town.orders().items() if order["create_calls"] != 1}:
        found["called more than once"] = sorted(called)
    ends = ended(town)
    found |= {name: "differs" for name, expected in calm.items() if ends[name] != expected}
    return found
