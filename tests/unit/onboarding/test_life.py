"""A source's life: every turn that there is, and none that there isn't; what is not live never enters the ledger."""

from __future__ import annotations

import itertools

import pytest

from gateway.domain.life import TURNS, Life, Turn, after, is_normalised, is_pulled


@pytest.mark.parametrize(("life", "turn"), itertools.product(Life, Turn))
def test_there_is_a_way_or_there_is_none(life: Life, turn: Turn) -> None:
    became = after(life, turn, Life.SHADOW)
    assert (became is None) == ((life, turn) not in TURNS)


@pytest.mark.parametrize("before", [Life.SHADOW, Life.LIVE])
def test_a_pause_ends_where_it_began(before: Life) -> None:
    assert after(before, Turn.PAUSE, None) is Life.PAUSED
    assert after(Life.PAUSED, Turn.RESUME, before) is before


def test_only_shadow_and_live_are_pulled() -> None:
    assert {life for life in Life if is_pulled(life)} == {Life.SHADOW, Life.LIVE}


@pytest.mark.parametrize("before", [None, *Life])
def test_only_what_was_live_enters_the_ledger(before: Life | None) -> None:
    entering = {life for life in Life if is_normalised(life, before)}
    assert entering == ({Life.LIVE, Life.PAUSED} if before is Life.LIVE else {Life.LIVE})
