"""When nothing may move: windows, holds, long outages, restored databases, long calls; and how it goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from gateway.domain.batch import BatchState
from gateway.domain.batch_act import BatchAct
from gateway.errors import Rejected
from gateway.reports.status import gateway_status
from gateway.reports.waiting import waiting
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
from gateway.store import quarantine
from gateway.store.tables import batch, batch_record, stream
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery.acting import (
    do,
    everything_there,
    parked_batch,
    pass_time,
    waiting_batch,
)
from tests.integration.delivery.conftest import Clock
from tests.integration.delivery.test_delivery_push import states
from tests.integration.delivery.world import fill, service


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


def test_a_batch_that_stands_still_alone_is_told_of_whatever_other_targets_do(
    context: Context, platform: RunningPlatform
) -> None:
    parked_batch(context, platform)
    status = gateway_status(context.store, context.sources, context.clock())
    (national,) = (target for target in status.targets if target.target_id == "national")
    stopped = replace(national, state="suspended")
    elsewhere = replace(status, targets=[*status.targets, replace(stopped, target_id="beijing")])
    assert "batch_suspended" in {wait.code for wait in waiting(elsewhere)}
    with_its_target = replace(status, targets=[stopped])
    assert "batch_suspended" not in {wait.code for wait in waiting(with_its_target)}


def test_a_receipt_that_is_overdue_while_nobody_can_be_asked_waits_like_the_rest(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    """Row 17 needs no answer: behind a suspended target no batch stays with the platform for longer than it may."""
    fill(context, [service(1)])
    platform.admin.fault("processing", polls=1)
    push(context, "national")
    assert states(context) == ["AWAITING_RECEIPT"]
    suspend_target(context, "national", "王工", "演练")
    pass_time(clock, platform, minutes=19)
    push(context, "national")
    assert states(context) == ["AWAITING_RECEIPT"]
    pass_time(clock, platform, minutes=2)
    push(context, "national")
    (line,) = list_batches(context)
    assert (line.state, line.failure_code) == ("SUSPENDED", "target.held")
    resume_target(context, "national", "王工", "演练结束")
    push(context, "national")
    assert states(context) == ["ACKNOWLEDGED"]
    everything_there(context, platform, 1)


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
        numbers = select(batch.c.number).where(batch.c.seq > 1)
        transaction.execute(delete(batch_record).where(batch_record.c.batch_number.in_(numbers)))
        first = transaction.execute(select(batch.c.header_digest).where(batch.c.seq == 1)).scalar_one()
        for table in ("batch_body", "batch_attempt", "batch_event", "receipt", "batch"):
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
