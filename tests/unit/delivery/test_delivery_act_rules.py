"""What a person may do to a batch, over every state there is; how breaker, window and suspension hold calls back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.batch_acts import wanted
from gateway.domain.batch import STAGES, BatchState, next_state, possible
from gateway.domain.batch_act import FITS, BatchAct, act_event, obstacle, possible_acts
from gateway.domain.breaker import OPENS_AFTER, Breaker
from gateway.domain.failure import OWNERS, FailureClass
from gateway.errors import Rejected
from gateway.store.targets import Maintenance, TargetRow

NOW = datetime(2026, 11, 22, tzinfo=UTC)
everything = given(st.sampled_from(BatchAct), st.sampled_from(BatchState), st.booleans())


@everything
def test_an_act_that_is_allowed_is_a_step_of_the_table(act: BatchAct, state: BatchState, maybe_sent: bool) -> None:
    if obstacle(act, state, maybe_sent) is None:
        event = act_event(act, state, maybe_sent)
        assert possible(state, event)
        assert STAGES[next_state(state, event)].rank >= STAGES[state].rank


@everything
def test_nothing_is_given_up_that_the_platform_may_have(act: BatchAct, state: BatchState, maybe_sent: bool) -> None:
    if obstacle(act, state, maybe_sent) is None and next_state(state, act_event(act, state, maybe_sent)) in (
        BatchState.CANCELLED,
        BatchState.EXPIRED,
        BatchState.REJECTED,
    ):
        assert not maybe_sent


@given(st.sampled_from([BatchState.SUSPENDED, BatchState.INTERRUPTED, BatchState.FAILED]))
def test_what_may_have_arrived_is_asked_for_before_it_goes_again(state: BatchState) -> None:
    for act in possible_acts(state, maybe_sent=True):
        assert next_state(state, act_event(act, state, True)) is BatchState.UNCERTAIN


def test_a_result_is_nobodys_to_change() -> None:
    for state, stage in STAGES.items():
        if stage.rank >= 3 and state is not BatchState.DISPUTED:
            assert possible_acts(state, False) == []
    assert [act for act, fit in FITS.items() if fit.two] == [BatchAct.RESOLVE]


def test_every_parked_state_has_a_way_out_by_a_person() -> None:
    for state, stage in STAGES.items():
        if stage.person and stage.rank == 2:
            assert possible_acts(state, True)


def test_every_failure_has_an_owner() -> None:
    assert set(OWNERS) == set(FailureClass)


def row(**other: object) -> TargetRow:
    first = TargetRow("national", None, None, None, Breaker(), 0, None, None, None)
    return first._replace(**other)  # type: ignore[arg-type]


def test_a_window_holds_back_from_its_start_until_its_end() -> None:
    window = Maintenance(NOW, NOW + timedelta(hours=1), "升级")
    target = row(maintenance=window)
    moments = [NOW - timedelta(seconds=1), NOW, window.end - timedelta(seconds=1), window.end]
    assert [target.admits(moment) for moment in moments] == [True, False, False, True]
    assert not row(suspended_code="auth.signature").admits(NOW)
    assert not row(breaker=Breaker("open", OPENS_AFTER, NOW)).admits(NOW)


def test_conditions_are_read_as_they_are_written() -> None:
    found = wanted(["code=http.500,http.503", "state=failed", "date=2026-11-22", "target=national", "class=server"])
    assert found.codes == ("http.500", "http.503")
    assert (found.states, found.target_id, found.classes) == ((BatchState.FAILED,), "national", ("SERVER",))
    assert found.business_dates == ("2026-11-22",)


@pytest.mark.parametrize("condition", ["code", "code=", "=x", "colour=red", "target=a,b"])
def test_a_condition_that_means_nothing_is_refused(condition: str) -> None:
    with pytest.raises(Rejected, match=r"cli\.where_invalid"):
        wanted([condition])
