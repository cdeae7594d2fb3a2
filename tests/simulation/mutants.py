"""Deliberately broken designs (变异): the specification's M1 to M16, each put in the place of ours within a block.

Some break the receiver too, as the systems did that they come from. ``stories`` are those that must catch it, and that
ours survives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.simulation import mutants_here as here
from tests.simulation import mutants_there as there
from tests.simulation.patches import Patches
from tests.simulation.story import Story, with_faults

Patch = Callable[[Patches], None]


@dataclass(frozen=True)
class Mutant:
    """A broken design, and the stories that show it."""

    does: str
    breaks: Patch
    stories: tuple[Story, ...]

    @contextmanager
    def in_force(self) -> Iterator[None]:
        patches = Patches()
        try:
            self.breaks(patches)
            yield
        finally:
            patches.put_back()


def all_of(*parts: Patch) -> Patch:
    def together(patches: Patches) -> None:
        for part in parts:
            part(patches)

    return together


LOST = "the call: applied, reply lost"


def alone(*names: str) -> tuple[Story, ...]:
    """Stories of one fault each, at the first step."""
    return tuple(with_faults((0, name)) for name in names)


MUTANTS: Final[dict[str, Mutant]] = {
    "M1": Mutant(
        "new id per retry, no sweep, a duplicate is an error",
        all_of(here.new_id_per_retry, here.no_sweep, here.never_asks, there.duplicate_is_an_error),
        alone(LOST, "killed at s3"),
    ),
    "M2": Mutant(
        "new transport id per attempt, the receiver keyed on it",
        all_of(there.keyed_on_the_transport, there.nobody_knows_the_id),
        alone(LOST),
    ),
    "M3": Mutant(
        "stable id, a duplicate is an error",
        all_of(here.never_asks, there.duplicate_is_an_error),
        alone(LOST, "killed at s3"),
    ),
    "M4": Mutant("a receipt for every duplicate", there.receipt_for_every_duplicate, alone("the platform dies at r2")),
    "M5": Mutant("the effect in its own transaction", there.effect_on_its_own, alone("the platform dies at r3")),
    "M6": Mutant(
        "the receipt before the commit", there.receipt_before_commit, (with_faults((1, "the platform restarts")),)
    ),
    "M7": Mutant("claim without CAS", here.claim_without_cas, alone("a second worker while the first is at s2")),
    "M8": Mutant("write without token", here.write_without_token, alone("a worker wakes with a stale answer")),
    "M9": Mutant(
        "all that is being sent is reset at start",
        here.reset_at_start,
        alone("a second worker while the first is at send.leaving"),
    ),
    "M10": Mutant("the timer beats the receipt", here.timer_beats_receipt, alone(LOST)),
    "M11": Mutant("the digest is not compared", here.digest_not_compared, alone("a stored byte changes")),
    "M12": Mutant(
        "what came is remembered for 10 minutes",
        there.memory_of_ten_minutes,
        (with_faults((0, "killed at s3"), (1, "a night passes")),),
    ),
    "M13": Mutant("nonces in memory", there.nonces_in_memory, alone("the call: request captured and replayed")),
    "M14": Mutant("the tag is not checked", here.tag_not_checked, (with_faults((1, "a sealed cell changes")),)),
    "M15": Mutant(
        "attempts are counted while the breaker is open",
        here.attempts_while_open,
        alone("the breaker opens"),
    ),
    "M16": Mutant(
        "cancel although it may have arrived",
        here.cancel_whatever,
        (
            with_faults(
                (0, "the call: applied, reply after the deadline"),
                (0, "the query: lost"),
                (1, "an operator holds a batch"),
                (1, "an operator cancels what waits"),
            ),
        ),
    ),
}
