"""Records in doubt: kills between steps, lost answers where a repeat would count twice, and the person who asks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.errors import Rejected, Transient
from gateway.profiles.client import ProfileClient
from gateway.reports.status import gateway_status
from gateway.reports.waiting import waiting
from gateway.stages.call_acts import in_doubt, settle_call
from gateway.stages.call_book import StoredBook, StoredCalls
from gateway.stages.delivery import open_delivery
from gateway.stages.delivery_acts import retry_batch
from gateway.stages.push import push
from tests.integration.delivery.world import evaluation, fill, service
from tests.integration.profiles.conftest import Clock, Open
from tests.integration.profiles.world import TARGET, World


class Killed(BaseException):
    """What a SIGKILL looks like from inside: nothing after it runs."""


def kill(monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool) -> None:
    """The process dies at the next ``step`` of the book, before or after its commit; once."""
    real = getattr(StoredCalls, step)
    armed = [True]

    def dying(self: StoredCalls, *given: object) -> None:
        if not armed:
            real(self, *given)
            return
        armed.clear()
        if after:
            real(self, *given)
        raise Killed

    monkeypatch.setattr(StoredCalls, step, dying)


def go_on(world: World, clock: Clock) -> None:
    """Another worker, once the dead one's lease has lapsed."""
    clock.shift += timedelta(seconds=world.context.settings.lease_seconds * 1.5)
    for _ in range(5):
        push(world.context, TARGET)


@pytest.mark.parametrize("profile", ["sd-txn", "fj-soap", "tif-header"])
@pytest.mark.parametrize(("step", "after"), [("begin", False), ("begin", True), ("note", False), ("note", True)])
def test_a_kill_between_any_two_steps_is_harmless_where_repeats_are_recognised(
    province: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch, profile: str, step: str, after: bool
) -> None:
    world = province(profile)
    fill(world.context, *([service(number), evaluation(number)] for number in range(2)))
    kill(monkeypatch, step, after=after)
    with pytest.raises(Killed):
        push(world.context, TARGET)
    go_on(world, clock)
    assert set(world.states()) == {"ACKNOWLEDGED"}
    assert len(world.receiver.of("evaluation")) == 2
    assert max(world.receiver.arrivals.values()) == (2 if (step, after) == ("note", False) else 1)


@pytest.mark.parametrize("fault", ["lose_reply", "down", "cut", "garbage", "502"])
def test_a_lost_answer_is_never_sent_again_blindly(province: Open, clock: Clock, fault: str) -> None:
    world = province("bj-form")
    fill(world.context, [service(0)], [service(1)])
    world.receiver.desk.order({"kind": fault, "times": 1})
    push(world.context, TARGET)
    go_on(world, clock)
    arrived = fault in ("lose_reply", "cut")
    assert len(world.receiver.effects) == 1 + arrived
    assert sorted(world.states()) == ["ACKNOWLEDGED", "SUSPENDED"]
    stuck = next(line for line in world.batches() if line.state == "SUSPENDED")
    assert (stuck.failure_code, stuck.maybe_sent) == ("profile.outcome_unknown", True)

    (doubt,) = in_doubt(world.context)
    status = gateway_status(world.context.store, {}, clock())
    mine = next(target for target in status.targets if target.target_id == TARGET)
    assert (mine.unreceipted, mine.in_doubt) == (1, 1)
    assert "in_doubt" in [wait.code for wait in waiting(status)]
    assert status.waiting_for_a_person

    settle_call(world.context, doubt.batch_id, doubt.item, "cli:tester", "电话核对", arrived=arrived)
    with pytest.raises(Rejected, match=r"profile\.not_in_doubt"):
        settle_call(world.context, doubt.batch_id, doubt.item, "cli:tester", "电话核对", arrived=True)
    retry_batch(world.context, doubt.batch_id, "cli:tester", "已核对")
    go_on(world, clock)
    assert set(world.states()) == {"ACKNOWLEDGED"}
    assert sorted(record["projectNo"] for record in world.receiver.of("service")) == ["P000000", "P000001"]


@pytest.mark.parametrize(("step", "after"), [("begin", True), ("note", False)])
def test_a_kill_with_a_call_begun_waits_for_a_person_where_repeats_count(
    province: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    world = province("bj-form")
    fill(world.context, [service(0)])
    kill(monkeypatch, step, after=after)
    with pytest.raises(Killed):
        push(world.context, TARGET)
    go_on(world, clock)
    assert world.states() == ["SUSPENDED"]
    assert len(world.receiver.effects) == (step == "note")
    assert len(in_doubt(world.context)) == 1


def test_a_reason_is_asked_for(province: Open) -> None:
    with pytest.raises(Rejected, match=r"act\.reason_missing"):
        settle_call(province("bj-form").context, "ab", 0, "cli:tester", " ", arrived=True)


def test_a_worker_whose_lease_has_passed_on_writes_and_sends_nothing(
    province: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = province("tif-header")
    fill(world.context, [service(0), evaluation(0)])
    stalled: list[StoredCalls] = []
    real = StoredBook.open

    def stall(book: StoredBook, batch_id: str, token: int | None) -> StoredCalls:
        calls = real(book, batch_id, token)
        if token is not None and not stalled:
            stalled.append(calls)
            raise Killed
        return calls

    monkeypatch.setattr(StoredBook, "open", stall)
    with pytest.raises(Killed):
        push(world.context, TARGET)
    go_on(world, clock)
    assert world.states() == ["ACKNOWLEDGED"]
    late = stalled[0]
    with pytest.raises(Transient, match=r"batch\.stale"):
        late.begin(late.items()[0], ProfileClient._written(_client(world), late, late.items()[0]))
    assert max(world.receiver.arrivals.values()) == 1


def test_each_call_renews_the_lease(province: Open, clock: Clock) -> None:
    world = province("tif-header", {"lease_seconds": 4})
    fill(world.context, *([service(number)] for number in range(4)))
    real = world.receiver.refuse

    def slow(kind: str, record: dict[str, str]) -> str | None:
        clock.shift += timedelta(seconds=2)
        return real(kind, record)

    world.receiver.refuse = slow
    push(world.context, TARGET)
    assert world.states() == ["ACKNOWLEDGED"]
    assert set(world.receiver.arrivals.values()) == {1}


def _client(world: World) -> ProfileClient:
    with open_delivery(world.context, TARGET) as delivery:
        assert isinstance(delivery.client, ProfileClient)
        return delivery.client
