"""Every fault alone, some pairs, some random schedules: nothing lost, nothing twice, nothing stuck, nothing falsely
failed. All of them, and thousands of schedules: ``make simulate``."""

from __future__ import annotations

import random

import pytest

from tests.simulation.faults import FAULTS
from tests.simulation.ground import Ground
from tests.simulation.story import Story, drawn, pairs, play, with_faults
from tests.simulation.world import World

SEED = 20261122
PAIRS, SCHEDULES = 25, 30
HISTORY = "SELECT batch_id, seq, event, from_state, to_state, happened_at FROM batch_event ORDER BY batch_id, seq"
STEPS = {name: number % 3 for number, name in enumerate(FAULTS)}


def test_in_peace(ground: Ground) -> None:
    assert str(play(ground, with_faults(), SEED)) == ""


@pytest.mark.parametrize("name", FAULTS)
def test_a_single_fault(ground: Ground, name: str) -> None:
    assert str(play(ground, with_faults((STEPS[name], name)), SEED)) == ""


@pytest.mark.parametrize("story", random.Random(SEED).sample(pairs(), PAIRS), ids=lambda story: story.name)
def test_a_pair_of_faults(ground: Ground, story: Story) -> None:
    assert str(play(ground, story, SEED)) == ""


@pytest.mark.parametrize("number", range(1, SCHEDULES + 1))
def test_a_random_schedule(ground: Ground, number: int) -> None:
    assert str(play(ground, drawn(SEED, number), SEED)) == ""


@pytest.mark.parametrize("number", [428, 709, 2030, 2063, 2761, 4681])
def test_a_schedule_that_was_broken_once(ground: Ground, number: int) -> None:
    assert str(play(ground, drawn(1, number), 1)) == ""


def test_a_schedule_plays_alike_each_time(ground: Ground) -> None:
    """A failure replays from its seed: the same batches go through the same states at the same moments."""

    def history() -> list[object]:
        told: list[object] = []

        def look(world: World) -> None:
            told.extend(world.rows(HISTORY))

        play(ground, drawn(SEED, 7), SEED, look)
        return told

    first = history()
    assert first
    assert history() == first
