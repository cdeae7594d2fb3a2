"""A round of the campaign: one town on its way through all crash points, and to rest in spite of them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

from tests.deployment import Deployment
from tests.faults.forked import KILLED, begin, end
from tests.faults.invariants import violations_at_any_moment
from tests.faults.killing import BEFORE, IN_A_CYCLE, PASS, harm
from tests.faults.portions import Portions
from tests.faults.tally import Tally
from tests.faults.troubles import Troubles

HUNGER = 3  # cycles without reaching a point, after which new records appear: the second worker may have taken all
AFTER_ALL_JUMPS = 170.0
MOST_CYCLES, MOST_ROUNDS = 60, 60
IMPATIENT, PAUSE = 20, 2.0  # cycles in a row; then seconds between them: an open breaker waits for time, not for tries
KEPT = 4  # portions that appear only after the backup was made
ENDINGS, AWAY = (0, 3), (0, 3, 6)  # of a command in peace, and of one whose database went away
REPEATED_CALLS = "called more than once"  # a lease that a wrong clock ends early: 12345 answers "held already"


class Round:
    """``number`` is told with every harm."""

    def __init__(
        self, number: int, town: Deployment, portions: Portions, troubles: Troubles, chance: random.Random, tally: Tally
    ) -> None:
        self.number, self.town, self.tally = number, town, tally
        self._portions, self._troubles, self._chance = portions, troubles, chance
        self._beside: BaseProcess | None = None

    def die_everywhere(self) -> None:
        """At every point of a cycle, in a drawn order; one that needs another before it keeps it there."""
        alone = [[point] for point in IN_A_CYCLE if point not in BEFORE]
        groups = alone + [[first, then] for then, first in BEFORE.items()]
        self._chance.shuffle(groups)
        for group in groups:
            for point in group:
                self._die_at(point)

    def _die_at(self, point: str) -> None:
        """Cycles until one dies there, whatever else goes on."""
        self._troubles.arise()
        for cycle in range(MOST_CYCLES):
            if cycle % HUNGER == 0:
                self._portions.show(self.town, 1 if cycle == 0 else 2)
                self.town.tick(12)
                self._die_first(BEFORE.get(point) if cycle else None)
            if cycle >= IMPATIENT:
                time.sleep(PAUSE)
            if self._dies(point, first=cycle == 0):
                break
        else:
            raise AssertionError(f"{point} was never reached")
        self._troubles.revive()
        self.note(point, violations_at_any_moment(self.town))

    def _dies(self, point: str, *, first: bool) -> bool:
        """A process with a wrong clock, half of the time with another one beside it. Whoever comes later sees a clock
        beyond all that was put off by the first: a breaker that a clock far ahead opened is open for minutes."""
        self._troubles.revive()
        self._troubles.resume()
        shift = self._troubles.jump() if first and point not in BEFORE else AFTER_ALL_JUMPS
        with self._troubles.meanwhile() as database_dies:
            endings = AWAY if database_dies else ENDINGS
            process = begin(self.town, "run", crash_at=f"{point}:{PASS.get(point, 1)}", shift=shift)
            if first and self._chance.random() < 0.5:
                self._beside = begin(self.town, "run", shift=self._troubles.jump())
                self.tally.events["second worker"] += 1
            died = self._ended(process, point, endings) == KILLED
            if self._beside is not None:
                self._ended(self._beside, point, endings)
                self._beside = None
        self.tally.kills[point] += died
        return died

    def _die_first(self, point: str | None) -> None:
        """What the last death left for this point, the second worker has put right: it is needed once more."""
        if point is not None:
            self._troubles.revive()
            self._ended(begin(self.town, "run", crash_at=point), point, ENDINGS)

    def rest(self, backup: Callable[[], None]) -> None:
        """No more faults, a clock beyond all that went wrong; a backup, then the last records: nothing is left."""
        self._troubles.cease()
        self._troubles.resume()
        self._portions.show(self.town, max(0, self._portions.left - KEPT))
        self.until_quiet()
        backup()
        self._portions.show(self.town, self._portions.left)
        self.until_quiet()

    def drop_again(self) -> None:
        """The files that came after the backup are brought once more: whoever took them has put them away."""
        self._portions.drop_again(self.town, KEPT)

    def until_quiet(self) -> None:
        """Ordinary cycles until nothing waits for a machine; the invariants tell if that never comes."""
        for _ in range(MOST_ROUNDS):
            self._ended(begin(self.town, "run", shift=AFTER_ALL_JUMPS), "rest", ENDINGS)
            if not self.town.waiting():
                return
            self._troubles.resume()
            self.town.tick(12)

    def judge(self, when: str, calm: dict[str, Any], *, but: tuple[str, ...] = ()) -> None:
        """Against the platform's books, 12345's books, and the town that nobody disturbed."""
        found = harm(self.town, calm)
        self.tally.events["12345 called again after a wrong clock"] += len(found.pop(REPEATED_CALLS, []))
        self.note(when, {name: what for name, what in found.items() if name not in but})

    def count(self) -> None:
        """How much there was to compare."""
        self.tally.effects += sum(len(self.town.effects(kind)) for kind in ("service", "evaluation", "rectification"))
        self.tally.orders += len(self.town.orders())

    def note(self, when: str, found: dict[str, Any]) -> None:
        """Harm, in words; nothing of a record."""
        self.tally.harms += [f"round {self.number}, {when}: {name}: {what}" for name, what in found.items()]

    def _ended(self, process: BaseProcess, point: str, endings: tuple[int, ...]) -> int:
        code = end(process)
        if code not in (*endings, KILLED):
            self.note(point, {f"gw ended with {code}": (self.town.var / "gw.log").read_text("utf-8")[-600:]})
        return code
