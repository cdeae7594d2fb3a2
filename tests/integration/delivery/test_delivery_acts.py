"""What an operator does to batches, and what follows from it at the platform: nothing lost, twice, or out of place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from gateway.domain.batch import BatchState
from gateway.domain.batch_act import BatchAct
from gateway.errors import Rejected
from gateway.stages.batch_acts import ActReport, Order, act_on, act_on_one, approvals_waiting, approve, choose
from gateway.stages.context import Context
from gateway.stages.delivery_acts import (
    end_maintenance,
    list_batches,
    plan_maintenance,
    resume_target,
    show_batch,
    show_target,
    suspend_target,
)
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from gateway.store import audit, quarantine
from gateway.store.batch_views import BatchFilter
from gateway.store.batches import read_body
from gateway.store.tables import batch, batch_body, bundle, delivery_hold, stream, void_notice
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery.conftest import Clock
from tests.integration.delivery.test_delivery_push import states
from tests.integration.delivery.world import evaluation, fill, service


def do(context: Context, act: BatchAct, *batch_ids: str, actor: str = "王工", **more: Any) -> ActReport:
    return act_on(context, Order(act, actor, "演练", **more), batch_ids)


def only(context: Context) -> str:
    (line,) = list_batches(context)
    return line.batch_id


def results(report: ActReport) -> list[tuple[str, str | None]]:
    return [(outcome.result, outcome.code) for outcome in report.outcomes]


def pass_time(clock: Clock, platform: RunningPlatform, **span: float) -> None:
    """On both sides."""
    clock.shift += timedelta(**span)
    platform.admin.clock(shift=clock.shift.total_seconds())


def rows(context: Context, *columns: Any) -> Sequence[Any]:
    with context.store.read() as transaction:
        return transaction.execute(select(*columns)).all()


def waiting_batch(context: Context, platform: RunningPlatform, records: int = 4) -> str:
    """One batch that the platform has asked us to send later."""
    fill(context, *([service(number)] for number in range(records)))
    platform.admin.fault("retry_after", seconds=300, call="batches")
    push(context, "national")
    return only(context)


def parked_batch(context: Context, platform: RunningPlatform, records: int = 4) -> str:
    """One batch that an operator holds; it never reached the platform."""
    batch_id = waiting_batch(context, platform, records)
    assert do(context, BatchAct.SUSPEND, batch_id).complete
    return batch_id


def everything_there(context: Context, platform: RunningPlatform, services: int) -> None:
    """Each record took effect once, no number of the sequence is missing, and nothing waits."""
    oracle = platform.admin.oracle()
    assert (oracle["effects"]["service"], oracle["doubled"]) == (services, 0)
    assert len(rows(context, void_notice.c.seq)) == oracle["voids"]
    assert rows(context, bundle.c.position) == []
    assert rows(context, delivery_hold.c.position) == []
    with context.store.read() as transaction:
        there = transaction.execute(select(stream.c.last_seq)).scalar_one()
        voids = set(transaction.execute(select(void_notice.c.state)).scalars())
    assert voids <= {"void"}
    held = {entry["seq"] for entry in platform.admin.voids()}
    arrived = {line.seq for line in list_batches(context, limit=1000) if line.accepted is not None}
    assert held | arrived == set(range(1, there + 1))


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
        original = read_body(transaction, batch_id)
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


def test_nothing_is_sent_in_a_maintenance_window(context: Context, platform: RunningPlatform, clock: Clock) -> None:
    batch_id = waiting_batch(context, platform)
    now = clock()
    plan_maintenance(context, "national", now - timedelta(minutes=1), now + timedelta(hours=8), "王工", "平台升级")
    fill(context, [service(10)])
    clock.shift += timedelta(hours=7)
    report = push(context, "national")
    assert (report.sent, report.sealed) == (0, 0)
    line = show_batch(context, batch_id).line
    assert (line.state, line.failure_code, line.attempts) == ("SUSPENDED", "target.maintenance", 1)

    pass_time(clock, platform, hours=1)
    push(context, "national")
    assert states(context) == ["ACKNOWLEDGED", "ACKNOWLEDGED"]
    everything_there(context, platform, 5)


def test_a_window_may_end_early_and_must_make_sense(context: Context, platform: RunningPlatform, clock: Clock) -> None:
    fill(context, [service(1)])
    now = clock()
    for start, end in ((now, now), (now - timedelta(hours=2), now - timedelta(hours=1))):
        with pytest.raises(Rejected, match=r"target\.window_invalid"):
            plan_maintenance(context, "national", start, end, "王工", "升级")
    plan_maintenance(context, "national", now - timedelta(hours=1), now + timedelta(hours=1), "王工", "升级")
    assert push(context, "national").sealed == 0
    end_maintenance(context, "national", "王工", "提前结束")
    assert push(context, "national").acknowledged == 1
    with pytest.raises(Rejected, match=r"target\.no_window"):
        end_maintenance(context, "national", "王工", "再结束")


def test_a_held_target_suspends_what_waits_and_an_operators_hold_stays(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    held = parked_batch(context, platform)
    fill(context, [service(10)])
    platform.admin.fault("retry_after", seconds=300, call="batches")
    push(context, "national")
    suspend_target(context, "national", "王工", "省级演练")
    assert push(context, "national").sent == 0
    assert [line.failure_code for line in list_batches(context)] == ["target.held", "batch.held"]
    assert resume_target(context, "national", "王工", "演练结束") == 1
    assert show_batch(context, held).line.state == BatchState.SUSPENDED
    push(context, "national")
    do(context, BatchAct.RESUME, held)
    push(context, "national")
    everything_there(context, platform, 5)


def test_a_long_outage_suspends_what_waits_in_the_queue_and_ends_by_itself(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    platform.stop()
    fill(context, *([service(number)] for number in range(70)))
    push(context, "national")
    waiting = [line for line in list_batches(context, limit=1000) if line.state == "RETRY_WAIT"]
    do(context, BatchAct.SUSPEND, *(line.batch_id for line in waiting))
    do(context, BatchAct.RESUME, *(line.batch_id for line in waiting))  # all in the queue now
    attempts = sum(line.attempts for line in list_batches(context))
    clock.shift += timedelta(minutes=6)
    for _ in range(3):
        push(context, "national")
    assert show_target(context, "national").failing_since is not None
    assert "SUSPENDED" in states(context)
    assert {line.failure_code for line in list_batches(context) if line.state == "SUSPENDED"} == {"target.breaker_open"}
    assert sum(line.attempts for line in list_batches(context)) <= attempts + 3  # probes only

    platform.start()
    for _ in range(3):
        pass_time(clock, platform, minutes=2)
        push(context, "national")
    assert set(states(context)) == {"ACKNOWLEDGED"}
    everything_there(context, platform, 70)


def test_a_database_from_yesterday_uses_no_number_twice(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    fill(context, *([service(number)] for number in range(25)))
    push(context, "national")
    with context.store.begin() as transaction:  # what yesterday's backup knows: one batch of three
        lost = transaction.execute(select(batch.c.batch_id).where(batch.c.seq > 1)).scalars().all()
        first = transaction.execute(select(batch.c.header_digest).where(batch.c.seq == 1)).scalar_one()
        for table in ("batch_record", "batch_body", "batch_attempt", "batch_event", "receipt", "batch"):
            known = batch.metadata.tables[table]
            transaction.execute(known.delete().where(known.c.batch_id.in_(lost)))
        transaction.execute(update(stream).values(last_seq=1, last_digest=first))
        transaction.execute(update(batch.metadata.tables["target_state"]).values(position=10))
    pass_time(clock, platform, minutes=10)
    fill(context, [service(30)])
    report = push(context, "national")
    assert report.suspended_code is None
    assert sorted(line.seq for line in list_batches(context)) == [1, 5, 6]
    assert platform.admin.oracle()["doubled"] == 0
    assert platform.admin.oracle()["effects"]["service"] == 26
    assert [(notice["seq"], notice["reason"]) for notice in platform.admin.voids()] == [(4, "sequence.lost")]
    assert set(states(context)) == {"ACKNOWLEDGED"}


def test_a_long_call_keeps_its_lease(context: Context, platform: RunningPlatform, store_url: str) -> None:
    settings = context.settings.model_copy(update={"lease_seconds": 1, "send_seconds": 20.0})
    slow = Context(settings, context.store, context.vault, context.keys, clock=context.clock)
    fill(context, [service(1)])
    platform.admin.fault("slow", seconds=1.6)
    push(slow, "national")
    (line,) = list_batches(context)
    assert (line.state, line.attempts) == ("ACKNOWLEDGED", 0)
    with context.store.read() as transaction:
        lease, updated = transaction.execute(select(batch.c.lease_until, batch.c.updated_at)).one()
    assert lease > updated  # renewed: the one of the claim would have lapsed before the answer came


def test_an_expired_batch_that_was_parked_goes_to_quarantine(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    parked_batch(context, platform, 2)
    pass_time(clock, platform, days=31)
    push(context, "national")
    assert states(context) == ["EXPIRED"]
    with context.store.read() as transaction:
        assert len(quarantine.kept(transaction, code="batch.expired")) == 2
    assert [notice["reason"] for notice in platform.admin.voids()] == ["batch.expired"]
