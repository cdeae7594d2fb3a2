"""``make faults``: every crash point twenty times, while a second worker runs, the platform dies and clocks jump.

Run by hand, seeded; the last result is kept in ``docs/faults.md``. A round is a town of its own that dies at every
point in an order drawn from the seed; rounds alternate between SQLite and PostgreSQL where that is at hand.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sandbox.generator.model import SHANGHAI
from tests.deployment import Deployment
from tests.faults.forked import KILLED, begin, end
from tests.faults.invariants import violations_at_any_moment
from tests.faults.killing import BEFORE, IN_A_CYCLE, PASS, Plan, harm
from tests.faults.portions import Portions
from tests.faults.tally import Tally, write_report
from tests.postgresql import NoPostgresql, private_postgresql

REPORT = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
RECORDS, PORTIONS = 1600, 60
HUNGER = 8  # cycles without reaching a point, after which new records appear: the second worker may have taken all
JUMPS = (0.0, 0.0, 0.0, -150.0, 70.0, 150.0)  # seconds; beyond the breaker's minute, within what the platform takes
AFTER_ALL_JUMPS = 170.0
MOST_CYCLES, MOST_ROUNDS = 40, 60
LOST_ANSWERS = 0.05
REPEATED_CALLS = "called more than once"  # a lease that a wrong clock ends early: 12345 answers "held already"


class Round:
    """One town on its way through all crash points."""

    def __init__(self, town: Deployment, portions: Portions, chance: random.Random, tally: Tally) -> None:
        self._town, self._portions, self._chance, self._tally = town, portions, chance, tally
        self._beside: BaseProcess | None = None

    def die_at(self, point: str) -> None:
        """Cycles until one dies there, whatever else goes on."""
        self._disturb()
        for cycle in range(MOST_CYCLES):
            if cycle % HUNGER == 0:
                self._portions.show(self._town)
                self._town.tick(12)
                self._die_first(BEFORE.get(point) if cycle else None)
            self._revive_platform()
            process = begin(self._town, "run", crash_at=f"{point}:{PASS.get(point, 1)}", shift=self._jump())
            if cycle == 0 and self._chance.random() < 0.5:
                self._beside = begin(self._town, "run", shift=self._jump())
                self._tally.events["second worker"] += 1
            if self._ended(process) == KILLED:
                self._tally.kills[point] += 1
                break
        else:
            raise AssertionError(f"{point} was never reached")
        if self._beside is not None:
            self._ended(self._beside)
            self._beside = None
        self._revive_platform()
        self._note(point, violations_at_any_moment(self._town))

    def _die_first(self, point: str | None) -> None:
        """What the last death left for this point, the second worker has put right: it is needed once more."""
        if point is not None:
            self._revive_platform()
            self._ended(begin(self._town, "run", crash_at=point))

    def rest(self) -> None:
        """All records are there, no more faults, a clock beyond all that went wrong: until nothing is left to do."""
        self._portions.show(self._town, self._portions.left)
        self._revive_platform()
        self._town.sandbox.desks["national"].mend()
        self._town.sandbox.desks["hotline"].mend()
        for _ in range(MOST_ROUNDS):
            self._ended(begin(self._town, "run", shift=AFTER_ALL_JUMPS))
            if not self._town.waiting():
                return
            self._town.tick(12)

    def judge(self, calm: dict[str, Any]) -> None:
        """Against the platform's books, 12345's books, and the town that nobody disturbed."""
        found = harm(self._town, calm)
        self._tally.events["12345 called again after a wrong clock"] += len(found.pop(REPEATED_CALLS, []))
        self._note("at rest", found)
        self._tally.effects += sum(len(self._town.effects(kind)) for kind in ("service", "evaluation", "rectification"))
        self._tally.orders += len(self._town.orders())

    def _disturb(self) -> None:
        """Answers are lost; now and then the platform dies, on a sudden or in the middle of a batch."""
        national, hotline = (self._town.sandbox.desks[name] for name in ("national", "hotline"))
        national.mend()
        hotline.mend()
        national.post("/sandbox/faults", self._lossy("fault"))
        hotline.post("/sandbox/faults", {**self._lossy("kind"), "match": "createOrder"})
        if self._chance.random() < 0.25:
            national.post("/sandbox/faults", {"fault": f"crash_r{self._chance.randint(1, 4)}"})
        if self._chance.random() < 0.2:
            self._town.sandbox.kill("national")

    def _lossy(self, what: str) -> dict[str, Any]:
        order: dict[str, Any] = {what: "lose_reply", "rate": LOST_ANSWERS}
        return order | ({"seed": self._chance.randint(1, 10**6)} if what == "fault" else {})

    def _revive_platform(self) -> None:
        if self._town.sandbox.doubles["national"].process.poll() is not None:
            self._town.sandbox.restart("national")
            self._tally.events["platform killed and restarted"] += 1

    def _jump(self) -> float:
        shift = self._chance.choice(JUMPS)
        self._tally.events["clock jumps"] += shift != 0
        return shift

    def _ended(self, process: BaseProcess) -> int:
        code = end(process)
        assert code in (0, 3, KILLED), f"gw ended with {code}: {(self._town.var / 'gw.log').read_text()[-3000:]}"
        return code

    def _note(self, when: str, found: dict[str, Any]) -> None:
        self._tally.harms += [
            f"round {len(self._tally.rounds)}, {when}: {name}: {what}" for name, what in found.items()
        ]


def campaign(repeats: int, seed: int, folder: Path) -> Tally:
    """``repeats`` rounds; says how each went."""
    tally = Tally(seed)
    plan = Plan(RECORDS, PORTIONS, datetime.now(SHANGHAI).replace(microsecond=0))
    calm = plan.in_peace(folder / "calm")
    for number in range(1, repeats + 1):
        began, chance = time.monotonic(), random.Random(f"{seed}:{number}")
        with _database(number) as url, plan.town(folder / f"round-{number}", url) as (town, portions):
            tally.rounds.append("PostgreSQL" if url else "SQLite")
            this = Round(town, portions, chance, tally)
            for point in _shuffled(chance):
                this.die_at(point)
            this.rest()
            this.judge(calm)
        told = f"round {number}/{repeats} on {tally.rounds[-1]}: {tally.kills.total()} kills so far"
        print(f"{told}, {time.monotonic() - began:.0f} s, broken: {tally.harms or 'nothing'}", flush=True)
    return tally


def _shuffled(chance: random.Random) -> list[str]:
    """All points in a drawn order; one that needs another before it keeps it there."""
    alone = [[point] for point in IN_A_CYCLE if point not in BEFORE]
    groups = alone + [[first, then] for then, first in BEFORE.items()]
    chance.shuffle(groups)
    return [point for group in groups for point in group]


@contextmanager
def _database(number: int) -> Iterator[str | None]:
    """SQLite for odd rounds, a private PostgreSQL for even ones, if there is one."""
    if number % 2:
        yield None
        return
    try:
        with private_postgresql() as url:
            yield url
    except NoPostgresql as missing:
        print(f"PostgreSQL part NOT run: {missing}")
        yield None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign", description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--seed", type=int, default=20261122)
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gateway-faults-") as folder:
        tally = campaign(given.repeats, given.seed, Path(folder))
    write_report(REPORT, tally, time.monotonic() - began)
    print(f"written: {REPORT}")
    return 1 if tally.harms else 0


if __name__ == "__main__":
    sys.exit(main())
