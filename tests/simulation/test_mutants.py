"""Each broken design of the specification is caught by the simulation, in a story that ours survives."""

from __future__ import annotations

import pytest

from tests.simulation.ground import Ground
from tests.simulation.mutants import MUTANTS
from tests.simulation.story import play

SEED = 20261122


@pytest.mark.parametrize("name", MUTANTS)
def test_the_broken_design_is_caught_and_ours_is_not(ground: Ground, name: str) -> None:
    mutant = MUTANTS[name]
    for story in mutant.stories:
        with mutant.in_force():
            caught = play(ground, story, SEED)
        assert not caught.clean, story.name
        assert str(play(ground, story, SEED)) == ""
