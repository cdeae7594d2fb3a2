"""What an operator does to batches, and what follows from it at the platform: nothing lost, twice, or out of place."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update

from gateway.domain.batch_act import BatchAct
from gateway.errors import Rejected
from gateway.stages.batch_acts import Order, act_on, act_on_one, choose
from gateway.stages.context import Context
from gateway.stages.delivery_acts import (
    list_batches,
    resume_target,
    show_batch,
)
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from gateway.stages.second_person import approvals_waiting, approve, decline
from gateway.store import audit, bodies, quarantine
from gateway.store.batch_ids import BatchFilter
from gateway.store.tables import batch, batch_body, delivery_hold, void_notice
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery.acting import (
    do,
    everything_there,
    only,
    parked_batch,
    pass_time,
    results,
    rows,
    waiting_batch,
)
from tests.integration.delivery.conftest import Clock
from tests.integration.delivery.test_delivery_push import states
from tests.integration.delivery.world import evaluation, fill, service


def test_a_cancelled_batch_leaves_a_void_and_its_records_go_again(context: Context, platform: RunningPlatform) -> None:
    batch_id = parked_batch(context, platform)
    fill(context, [service(10)])
    push(context, "national")
    assert do(context, BatchAct.CANCEL, batch_id).complete
    push(context, "national")
    assert states(context) == ["CANCELLED", "ACKNOWLEDGED", "ACKNOWLEDGED"]
    everything_there(context, platform, 5)
    (notice,) = platform.admin.voids()
    assert (notice["batchId"], notice["seq"], notice["reason"]) == (batch_id, 1, "batch.cancelled")
    assert push(context, "national").sealed == 0
    assert len(platform.admin.voids()) == 1
    assert reconcile(context, "national").agreed


@pytest.mark.parametrize("fault", ["lose_reply", "http_503", "garbled"])
def test_a_void_notice_is_repeated_until_answered(
    context: Context, platform: RunningPlatform, clock: Clock, fault: str
) -> None:
    do(context, BatchAct.CANCEL, parked_batch(context, platform))
    platform.admin.fault(fault, call="voids")
    push(context, "national")
    assert [row.state for row in rows(context, void_notice.c.state)] == ["waiting"]
    pass_time(clock, platform, minutes=5)
    push(context, "national")
    everything_there(context, platform, 4)
    assert platform.admin.oracle()["requests"]["voids"] == 2


def test_a_void_for_what_the_platform_accepted_is_disputed_and_settled_by_two(
    context: Context, platform: RunningPlatform
) -> None:
    fill(context, [service(1)])
    push(context, "national")
    batch_id = only(context)
    with context.store.begin() as transaction:  # as if the receipt had been lost with yesterday's database
        transaction.execute(update(batch).values(state="SUSPENDED", maybe_sent=0, accepted=None, rejected=None))
    do(context, BatchAct.CANCEL, batch_id)
    push(context, "national")
    assert states(context) == ["DISPUTED", "ACKNOWLEDGED"]
    assert rows(context, void_notice.c.state)[0].state == "accepted"
    assert platform.admin.oracle()["doubled"] == 0

    asked = do(context, BatchAct.RESOLVE, batch_id)
    assert (asked.complete, states(context)[0]) == (False, "DISPUTED")
    assert asked.approval_id is not None
    with pytest.raises(Rejected, match=r"act\.same_person"):
        approve(context, asked.approval_id, "王工", "同意")
    assert approve(context, asked.approval_id, "李工", "平台书面确认").complete
    assert states(context)[0] == "RECONCILED"
    last = show_batch(context, batch_id).events[-1]
    assert "王工" in (last.detail or "")
    assert last.actor == "李工"
    with pytest.raises(Rejected, match=r"act\.approval_done"):
        approve(context, asked.approval_id, "赵工", "同意")


def test_nothing_is_cancelled_that_the_platform_may_have(context: Context, platform: RunningPlatform) -> None:
    fill(context, [service(1)])
    platform.admin.fault("http_500", call="batches")
    push(context, "national")
    batch_id = only(context)
    assert do(context, BatchAct.SUSPEND, batch_id).complete
    for act in (BatchAct.CANCEL, BatchAct.SPLIT):
        assert results(do(context, act, batch_id)) == [("refused", "batch.maybe_sent")]
    assert states(context) == ["SUSPENDED"]
    do(context, BatchAct.RESUME, batch_id)
    assert states(context) == ["UNCERTAIN"]  # asked for before it is sent again
    push(context, "national")
    assert states(context) == ["ACKNOWLEDGED"]


def test_a_split_batch_goes_in_parts(context: Context, platform: RunningPlatform) -> None:
    batch_id = parked_batch(context, platform, 9)
    assert do(context, BatchAct.SPLIT, batch_id, parts=3).complete
    push(context, "national")
    parts = [line for line in list_batches(context) if line.batch_id != batch_id]
    assert [(line.record_count, line.state) for line in parts] == [(3, "ACKNOWLEDGED")] * 3
    assert {row.parent_batch_id for row in rows(context, batch.c.parent_batch_id)} == {None, batch_id}
    everything_there(context, platform, 9)
    assert reconcile(context, "national").agreed


def test_a_poisonous_record_is_found_and_its_neighbours_arrive(context: Context, platform: RunningPlatform) -> None:
    fill(context, *([service(number), evaluation(number)] for number in range(5)))
    platform.admin.fault("poison", key="P000003#1", times=None)
    report = push(context, "national")
    assert report.suspended_code is None
    with context.store.read() as transaction:
        (kept,) = quarantine.kept(transaction, code="batch.malformed")
    assert kept.page_index == 3
    oracle = platform.admin.oracle()
    assert (oracle["effects"], oracle["doubled"]) == ({"service": 4, "evaluation": 4, "rectification": 0}, 0)
    held = rows(context, delivery_hold.c.reason)
    assert [row.reason for row in held] == ["parent.missing"]  # the poisonous one's evaluation waits for it
    alone = [line for line in list_batches(context) if line.state == "REJECTED" and line.record_count == 1]
    assert [line.failure_code for line in alone] == ["batch.malformed"]
    assert oracle["voids"] == sum(line.state == "REJECTED" for line in list_batches(context))
    assert reconcile(context, "national").agreed


def test_a_platform_that_refuses_everything_is_left_alone(context: Context, platform: RunningPlatform) -> None:
    fill(context, *([service(number)] for number in range(80)))
    platform.admin.fault("refuse", code="batch.malformed", times=None, call="batches")
    report = push(context, "national")
    assert report.suspended_code == "target.refuses_all"
    assert report.sent == 32
    assert push(context, "national").sent == 0

    platform.admin.clear()
    resume_target(context, "national", "王工", "平台已修复")
    push(context, "national")
    with context.store.read() as transaction:
        refused_alone = len(quarantine.kept(transaction))
    everything_there(context, platform, 80 - refused_alone)


def test_damaged_bytes_come_back_or_the_records_go_anew(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    batch_id = waiting_batch(context, platform)
    with context.store.begin() as transaction:
        original = bodies.read(transaction, batch_id)
        transaction.execute(update(batch_body).values(body=b"HCPB damaged"))
    pass_time(clock, platform, seconds=301)
    push(context, "national")
    assert states(context) == ["INTERRUPTED"]
    assert results(do(context, BatchAct.RESTORE, batch_id)) == [("refused", "batch.bytes_differ")]
    assert results(do(context, BatchAct.RESTORE, batch_id, body=original[:-1])) == [("refused", "batch.bytes_differ")]
    assert do(context, BatchAct.RESTORE, batch_id, body=original).complete
    push(context, "national")
    assert states(context) == ["ACKNOWLEDGED"]
    everything_there(context, platform, 4)


def test_lost_bytes_are_cancelled_and_sealed_anew(context: Context, platform: RunningPlatform, clock: Clock) -> None:
    batch_id = waiting_batch(context, platform)
    with context.store.begin() as transaction:
        transaction.execute(delete(batch_body))
    pass_time(clock, platform, seconds=301)
    push(context, "national")
    assert do(context, BatchAct.CANCEL, batch_id).complete
    push(context, "national")
    everything_there(context, platform, 4)


def test_acts_on_many_tell_each_one_s_outcome(context: Context, platform: RunningPlatform) -> None:
    fill(context, *([service(number)] for number in range(30)))
    platform.admin.fault("http_500", times=2, call="batches")
    push(context, "national")
    ids = [line.batch_id for line in reversed(list_batches(context))]
    wanted = BatchFilter(target_id="national", codes=("http.500",))
    chosen = choose(context, wanted, BatchAct.RETRY)
    assert chosen == ids[:2]
    rehearsed = act_on(context, Order(BatchAct.RETRY, "", "", dry_run=True), ids)
    assert results(rehearsed) == [("would", None), ("would", None), ("skipped", "batch.not_retriable")]
    assert states(context)[:2] == ["RETRY_WAIT", "RETRY_WAIT"]

    paused: list[float] = []
    report = act_on(context, Order(BatchAct.RETRY, "王工", "平台已恢复", rate=4), [*ids, "0" * 32], paused.append)
    assert paused == [0.25] * 3
    assert [outcome.result for outcome in report.outcomes] == ["done", "done", "skipped", "refused"]
    assert (report.done, report.complete) == (2, False)
    with context.store.read() as transaction:
        acts = [(act.act, act.object_id, act.reason) for act in audit.recent(transaction)]
    assert sorted(acts) == sorted(("batch.retry", batch_id, "平台已恢复") for batch_id in ids[:2])
    push(context, "national")
    everything_there(context, platform, 30)


def test_many_batches_need_a_second_person(context: Context, platform: RunningPlatform) -> None:
    settings = context.settings.model_copy(update={"second_person_above": 1})
    strict = Context(settings, context.store, context.vault, context.keys, clock=context.clock)
    fill(context, *([service(number)] for number in range(20)))
    platform.admin.fault("http_500", times=2, call="batches")
    push(strict, "national")
    ids = [line.batch_id for line in list_batches(context)]
    asked = act_on(strict, Order(BatchAct.RETRY, "王工", "平台已恢复"), ids)
    assert asked.approval_id is not None
    assert states(context) == ["RETRY_WAIT", "RETRY_WAIT"]
    assert [one.asked_by for one in approvals_waiting(context)] == ["王工"]
    assert approve(strict, asked.approval_id, "李工", "同意").done == 2
    assert approvals_waiting(context) == []
    assert "RETRY_WAIT" not in states(context)


def test_a_confirmed_act_that_was_cut_off_is_finished_by_its_second_person(
    context: Context, platform: RunningPlatform
) -> None:
    settings = context.settings.model_copy(update={"second_person_above": 1})
    strict = Context(settings, context.store, context.vault, context.keys, clock=context.clock)
    fill(context, *([service(number)] for number in range(20)))
    platform.admin.fault("http_500", times=2, call="batches")
    push(strict, "national")
    ids = [line.batch_id for line in list_batches(context)]
    asked = act_on(strict, Order(BatchAct.RETRY, "王工", "平台已恢复", rate=1), ids).approval_id
    assert asked is not None

    def killed(_: float) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        approve(strict, asked, "李工", "同意", killed)
    assert sorted(states(context)) == ["QUEUED", "RETRY_WAIT"]
    with pytest.raises(Rejected, match=r"act\.approval_done"):
        approve(strict, asked, "赵工", "同意")
    finished = approve(strict, asked, "李工", "同意", lambda _: None)
    assert sorted(outcome.result for outcome in finished.outcomes) == ["done", "skipped"]
    assert approvals_waiting(context) == []


@pytest.mark.parametrize("who", ["王工", "李工"])
def test_what_was_asked_for_can_be_taken_back(context: Context, platform: RunningPlatform, who: str) -> None:
    batch_id = waiting_batch(context, platform)
    settings = context.settings.model_copy(update={"second_person_above": 0})
    strict = Context(settings, context.store, context.vault, context.keys, clock=context.clock)
    before = states(context)
    asked = act_on(strict, Order(BatchAct.RETRY, "王工", "平台已恢复"), [batch_id]).approval_id
    assert asked is not None
    decline(strict, asked, who, "误操作")
    assert approvals_waiting(context) == []
    assert states(context) == before
    for late in (decline, approve):
        with pytest.raises(Rejected, match=r"act\.approval_done"):
            late(strict, asked, "李工", "同意")
    with context.store.read() as transaction:
        acts = [row.act for row in audit.of_object(transaction, asked)]
    assert "batch.retry.decline" in acts


def test_an_act_without_a_reason_does_nothing(context: Context, platform: RunningPlatform) -> None:
    batch_id = waiting_batch(context, platform)
    for actor, reason in (("王工", " "), ("", "原因")):
        with pytest.raises(Rejected, match=r"act\.reason_missing"):
            act_on(context, Order(BatchAct.SUSPEND, actor, reason), [batch_id])
    with pytest.raises(Rejected, match=r"batch\.parts_invalid"):
        act_on(context, Order(BatchAct.SPLIT, "王工", "原因", parts=1), [batch_id])
    with pytest.raises(Rejected, match=r"batch\.act_unfit"):
        act_on_one(context, Order(BatchAct.RESUME, "王工", "原因"), batch_id)
    assert states(context) == ["RETRY_WAIT"]
