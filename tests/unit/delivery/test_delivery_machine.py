"""The table of states: its invariants over every history that can happen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.domain.batch import (
    BY_A_PERSON,
    OPEN,
    RECEIPTED,
    STAGES,
    TABLE,
    BatchEvent,
    BatchState,
    next_state,
    possible,
    receipt_event,
    resume_event,
)
from gateway.errors import Bug

RECEIPTS = {
    BatchEvent.RECEIPT_ACCEPTED: BatchState.ACKNOWLEDGED,
    BatchEvent.RECEIPT_PARTIAL: BatchState.PARTIALLY_ACCEPTED,
    BatchEvent.RECEIPT_REJECTED: BatchState.REJECTED,
}
TIMERS = (
    BatchEvent.LOST,
    BatchEvent.LEASE_LAPSED_UNSENT,
    BatchEvent.RECEIPT_OVERDUE,
    BatchEvent.DUE,
    BatchEvent.EXHAUSTED,
    BatchEvent.UNKNOWN_THERE,
)


class History(RuleBasedStateMachine):
    """Any event at any time; what the table does not know changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.state: BatchState | None = None
        self.ranks = [-1]
        self.parked_left_by: BatchEvent | None = None

    @rule(event=st.sampled_from(BatchEvent))
    def happens(self, event: BatchEvent) -> None:
        if not possible(self.state, event):
            with pytest.raises(Bug, match=r"batch\.step_impossible"):
                next_state(self.state, event)
            return
        before, self.state = self.state, next_state(self.state, event)
        self.ranks.append(STAGES[self.state].rank)
        sending = self.state in (BatchState.QUEUED, BatchState.UNCERTAIN)
        if before in (BatchState.FAILED, BatchState.INTERRUPTED) and sending:
            self.parked_left_by = event

    @invariant()
    def rank_never_falls(self) -> None:
        assert self.ranks == sorted(self.ranks)

    @invariant()
    def only_a_person_lets_a_parked_batch_go(self) -> None:
        assert self.parked_left_by is None or self.parked_left_by in BY_A_PERSON


TestHistory = History.TestCase


@pytest.mark.parametrize("state", [state for state in STAGES if STAGES[state].rank == 2])
@pytest.mark.parametrize("receipt", RECEIPTS)
@given(timers=st.permutations(TIMERS), place=st.integers(0, len(TIMERS)))
def test_a_receipt_beats_every_timer(
    state: BatchState, receipt: BatchEvent, timers: list[BatchEvent], place: int
) -> None:
    for event in [*timers[:place], receipt, *timers[place:]]:
        if possible(state, event):
            state = next_state(state, event)
    assert state is RECEIPTS[receipt]


@pytest.mark.parametrize("state", [BatchState.REJECTED, BatchState.EXPIRED, BatchState.CANCELLED])
@pytest.mark.parametrize("receipt", [BatchEvent.RECEIPT_ACCEPTED, BatchEvent.RECEIPT_PARTIAL])
def test_a_receipt_after_the_end_is_disputed(state: BatchState, receipt: BatchEvent) -> None:
    assert next_state(state, receipt) is BatchState.DISPUTED


def test_every_state_can_be_reached_and_left_but_the_last() -> None:
    reached, edge = set[BatchState](), [None]
    while edge:
        here = edge.pop()
        for (state, _), to in TABLE.items():
            if state == here and to not in reached:
                reached.add(to)
                edge.append(to)
    assert reached == set(BatchState)
    assert {state for state, _ in TABLE if state is not None} == set(BatchState) - {BatchState.PURGED}


def test_every_state_says_who_acts_and_until_when() -> None:
    assert all(stage.name and stage.acts_next for stage in STAGES.values())
    assert [state for state, stage in STAGES.items() if stage.sla is None] == [BatchState.PURGED]
    assert RECEIPTED.isdisjoint(OPEN)


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 5000))
def test_the_counts_decide_the_result(accepted: int, duplicates: int, rejected: int) -> None:
    event = receipt_event(accepted, duplicates, rejected)
    assert (event is BatchEvent.RECEIPT_ACCEPTED) == (rejected == 0)
    assert (event is BatchEvent.RECEIPT_REJECTED) == (rejected > 0 and accepted + duplicates == 0)


@pytest.mark.parametrize("state", [BatchState.SUSPENDED, BatchState.INTERRUPTED, BatchState.FAILED])
def test_what_may_have_arrived_is_asked_for_first(state: BatchState) -> None:
    assert next_state(state, resume_event(state, maybe_sent=True)) is BatchState.UNCERTAIN
    assert next_state(state, resume_event(state, maybe_sent=False)) is BatchState.QUEUED
