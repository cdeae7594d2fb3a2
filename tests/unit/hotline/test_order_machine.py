"""The work-order machine: closed-loop.md sections 3 and 4, held to the published code list."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.order import (
    ACTORS,
    BORN,
    FACES,
    HELD_BY_HOTLINE,
    REMOTE_TARGETS,
    TERMINAL,
    TRANSITIONS,
    Event,
    State,
    advance,
    is_overdue,
)
from gateway.errors import Rejected

LISTS = json.loads((Path(__file__).parents[3] / "schemas/data/code_lists.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_states_are_those_of_the_code_list() -> None:
    lists = LISTS.get("lists", LISTS)
    listed = {item["code"]: item["id"] for item in lists["work_order_status"]["items"]}
    assert {state.value: state.name.lower() for state in State} == listed
    assert {item["code"] for item in lists["work_order_status"]["items"] if item["terminal"]} == TERMINAL


def test_every_state_has_a_name_and_an_actor() -> None:
    assert set(FACES) == set(State)
    assert all(face.next_actor in ACTORS for state, face in FACES.items() if face.next_actor)
    assert {state for state, face in FACES.items() if face.next_actor is None} == TERMINAL | {State.MERGED}


@given(st.sampled_from(State), st.sampled_from(Event), st.one_of(st.none(), st.sampled_from(State)))
def test_only_the_table_moves_an_order(state: State, event: Event, to: State | None) -> None:
    if event is Event.REMOTE_STATUS:
        legal = state in HELD_BY_HOTLINE and to in REMOTE_TARGETS
        expected = to
    else:
        expected = TRANSITIONS.get((state, event))
        legal = expected is not None and to in (None, expected)
    if legal:
        assert advance(state, event, to) is expected
    else:
        with pytest.raises(Rejected) as refused:
            advance(state, event, to)
        assert refused.value.code == "order.illegal_transition"


@given(st.lists(st.tuples(st.sampled_from(Event), st.sampled_from(State)), max_size=60), st.sampled_from(sorted(BORN)))
def test_no_history_leaves_a_terminal_state_or_skips_the_call(steps: list[tuple[Event, State]], born: State) -> None:
    state, confirmed = born, False
    for event, to in steps:
        try:
            after = advance(state, event, to if event is Event.REMOTE_STATUS else None)
        except Rejected:
            continue
        assert state not in TERMINAL
        confirmed = confirmed or event is Event.DISPATCH_CONFIRMED
        state = after
        if state in HELD_BY_HOTLINE:
            assert confirmed, "12345 holds an order that it never confirmed"


def test_every_state_is_reached_and_every_open_one_can_end() -> None:
    edges = {(source, target) for (source, _), target in TRANSITIONS.items()}
    assert _closure(BORN, edges) == set(State)
    backwards = {(target, source) for source, target in edges}
    assert _closure(TERMINAL, backwards) == set(State)


@given(st.sampled_from(State), st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=90)))
def test_overdue_is_computed(state: State, late: timedelta) -> None:
    assert is_overdue(state, NOW - late, NOW) == (state not in {State.ARCHIVED, State.VOIDED, State.MERGED})
    assert not is_overdue(state, NOW + late, NOW)


def _closure(start: frozenset[State], edges: set[tuple[State, State]]) -> set[State]:
    reached: set[State] = set(start)
    while more := {target for source, target in edges if source in reached} - reached:
        reached |= more
    return reached
