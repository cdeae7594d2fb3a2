"""``make simulate``: all single faults, all pairs, thousands of random schedules, and every broken design.

Run by hand, seeded; the last result is kept in ``docs/faults.md``. ``--only "schedule 17"`` plays that one again.
"""

from __future__ import annotations

import argparse
import faulthandler
import multiprocessing
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from tests.faults.page import put_section
from tests.simulation.ground import prepared
from tests.simulation.judge import Verdict
from tests.simulation.mutants import MUTANTS
from tests.simulation.report import TITLE, lines
from tests.simulation.story import Story, drawn, kinds, pairs, play, singles

REPORT = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
FORK = multiprocessing.get_context("fork")  # a fresh interpreter would import all over again
OURS = ""
LONGEST = 300  # seconds for a world; one takes half a second


@dataclass(frozen=True)
class Task:
    """A story to be played, by us or by a broken design; ``part`` of the table that it counts in."""

    part: str
    story: Story
    mutant: str = OURS


@dataclass
class Results:
    """Verdicts by part; of the broken designs, by name."""

    seed: int
    parts: dict[str, list[tuple[Story, Verdict]]] = field(default_factory=dict)
    mutants: dict[str, list[tuple[Story, Verdict]]] = field(default_factory=dict)

    def take(self, task: Task, verdict: Verdict) -> None:
        found = self.mutants if task.mutant else self.parts
        found.setdefault(task.mutant or task.part, []).append((task.story, verdict))

    @property
    def clean(self) -> bool:
        ours = all(verdict.clean for played in self.parts.values() for _, verdict in played)
        return ours and all(any(not verdict.clean for _, verdict in played) for played in self.mutants.values())


def tasks(seed: int, schedules: int) -> list[Task]:
    """All that the campaign plays."""
    own = [(name, (*mutant.stories, *kinds()[::3])) for name, mutant in MUTANTS.items()]
    return [
        *(Task("single faults", story) for story in singles()),
        *(Task("pairs of faults", story) for story in pairs()),
        *(Task("random schedules", drawn(seed, number)) for number in range(1, schedules + 1)),
        *(Task("broken designs", story, name) for name, stories in own for story in stories),
    ]


def play_all(seed: int, chosen: list[Task], workers: int, told: Callable[[Task, Verdict], None]) -> Results:
    """Each in a world of its own, dealt out to ``workers`` processes."""
    results = Results(seed)
    dealt = [list(range(first, len(chosen), workers)) for first in range(workers)]
    playing = dict(_begun(seed, chosen, numbers) for numbers in dealt if numbers)
    while playing:
        ready = wait(list(playing))
        for heard, left in [(each, playing[each]) for each in playing if each in ready]:
            number = left.pop(0)
            try:
                verdict = heard.recv()
            except EOFError:  # the watchdog has told where it stood; the others are played by another process
                verdict = Verdict(stuck=[f"the world did not come to an end within {LONGEST} s"])
                del playing[heard]
                if left:
                    playing.update([_begun(seed, chosen, left)])
            else:
                if not left:
                    del playing[heard]
            results.take(chosen[number], verdict)
            told(chosen[number], verdict)
    return results


def _begun(seed: int, chosen: list[Task], numbers: list[int]) -> tuple[Connection, list[int]]:
    """A process that plays them one after the other; where its verdicts come from."""
    ours, theirs = FORK.Pipe(duplex=False)
    FORK.Process(target=_work, args=(seed, chosen, tuple(numbers), theirs), daemon=True).start()
    theirs.close()
    return ours, numbers


def _work(seed: int, chosen: list[Task], numbers: tuple[int, ...], verdicts: Connection) -> None:
    with prepared() as ground:
        for number in numbers:
            faulthandler.dump_traceback_later(LONGEST, exit=True)
            task = chosen[number]
            try:
                with MUTANTS[task.mutant].in_force() if task.mutant else nullcontext():
                    verdict = play(ground, task.story, seed)
            except Exception:
                verdict = Verdict(broken=[traceback.format_exc(limit=-4)])
            verdicts.send(verdict)
        faulthandler.cancel_dump_traceback_later()


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--schedules", type=int, default=5000)
    asked.add_argument("--workers", type=int, default=1)
    asked.add_argument("--only", help="the name of one story, as a verdict shows it")
    given = asked.parse_args()
    chosen = [task for task in tasks(given.seed, given.schedules) if given.only in (None, task.story.name)]
    print(f"seed {given.seed}: {len(chosen):,} worlds", flush=True)
    began = time.monotonic()

    def told(task: Task, verdict: Verdict) -> None:
        if not task.mutant and not verdict.clean:
            print(f"{task.story.name}: {verdict}", flush=True)

    results = play_all(given.seed, chosen, given.workers, told)
    told_at_last = lines(results, time.monotonic() - began)
    print("\n".join(told_at_last))
    if given.only is None:
        put_section(REPORT, TITLE, told_at_last)
    return 0 if results.clean else 1


if __name__ == "__main__":
    sys.exit(main())
