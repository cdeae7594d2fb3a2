"""Batches sealed by a clock that ran ahead: nobody takes them before their time, and they hold up no other."""

from __future__ import annotations

from datetime import timedelta

from gateway.domain.batch_act import BatchAct
from gateway.reports.stuck import Stuck, stuck
from gateway.stages.context import Context
from gateway.stages.delivery import open_delivery
from gateway.stages.delivery_acts import left_suspended, resume_target
from gateway.stages.push import push
from gateway.stages.seal import seal_next
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery.acting import do, everything_there, only, pass_time, results
from tests.integration.delivery.conftest import Clock
from tests.integration.delivery.test_delivery_push import states
from tests.integration.delivery.world import fill, service


def told(context: Context) -> list[Stuck]:
    return stuck(context.store, context.clock())


def sealed_ahead(context: Context, clock: Clock) -> str:
    """A batch sealed while our clock was a day ahead; the worker died before it was sent."""
    push(context, "national")
    fill(context, [service(1)])
    clock.shift = timedelta(days=1)
    with open_delivery(context, "national") as delivery:
        seal_next(delivery)
    clock.shift = timedelta(0)
    return only(context)


def test_a_batch_from_the_future_stays_when_its_target_goes_on(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    early = sealed_ahead(context, clock)
    fill(context, [service(2)])
    assert push(context, "national").suspended_code == "batch.expired"
    assert resume_target(context, "national", "王工", "时钟已校准") == 1  # the other one
    assert left_suspended(context, "national") == 1
    push(context, "national")
    assert states(context) == ["SUSPENDED", "ACKNOWLEDGED"]
    (line,) = told(context)
    assert (line.code, line.command) == ("batch.expired", f"gw batch cancel {early[:12]} --reason …")
    assert "走快" in line.why["zh"]

    assert do(context, BatchAct.CANCEL, early).complete
    push(context, "national")
    assert told(context) == []
    everything_there(context, platform, 2)


def test_one_that_may_have_arrived_is_asked_for_before_it_is_cancelled(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    early = sealed_ahead(context, clock)
    platform.admin.fault("http_500", call="batches")
    push(context, "national")
    do(context, BatchAct.RETRY, early)
    push(context, "national")
    assert states(context) == ["SUSPENDED"]
    (line,) = [line for line in told(context) if line.what == "batch"]
    assert line.command == "gw push"

    resume_target(context, "national", "王工", "时钟已校准")
    push(context, "national")
    assert results(do(context, BatchAct.CANCEL, early)) == [("refused", "batch.maybe_sent")]
    pass_time(clock, platform, minutes=12)  # as the refusal says: ten minutes, and what a call may take
    push(context, "national")
    assert do(context, BatchAct.CANCEL, early).complete
    push(context, "national")
    everything_there(context, platform, 1)
