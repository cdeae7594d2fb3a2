"""Any order of records, faults and acts ends the same: each record there once, every number of the sequence answered.

``NIGHTS=60 pytest …`` plays that many; the seed is in the test's name.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from gateway.domain.batch import STAGES, TABLE, BatchEvent, BatchState
from gateway.domain.batch_act import BatchAct
from gateway.stages.batch_acts import Order, act_on
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
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery.acting import everything_there, pass_time
from tests.integration.delivery.conftest import Clock
from tests.integration.delivery.world import evaluation, fill, service

STEPS = 40
NIGHTS = int(os.environ.get("NIGHTS", "3"))
FAULTS: list[dict[str, object]] = [
    {"fault": "down", "call": "batches"},
    {"fault": "http_503", "call": "batches"},
    {"fault": "http_500"},
    {"fault": "retry_after", "seconds": 30, "call": "batches"},
    {"fault": "lose_reply"},
    {"fault": "lose_reply", "call": "voids"},
    {"fault": "garbled", "call": "voids"},
    {"fault": "processing", "polls": 1},
    {"fault": "refuse", "code": "batch.malformed"},
    {"fault": "bad_receipt"},
    {"fault": "auth", "code": "auth.signature"},
]
ACTS = [BatchAct.RETRY, BatchAct.SUSPEND, BatchAct.RESUME, BatchAct.CANCEL, BatchAct.SPLIT]


class Night:
    """What may happen in one night, drawn from a seed."""

    def __init__(self, context: Context, platform: RunningPlatform, clock: Clock, seed: int) -> None:
        self.context, self.platform, self.clock = context, platform, clock
        self.luck = random.Random(seed)
        self.records = 0

    def happens(self) -> None:
        happenings: list[Callable[[], None]] = [self.arrive, self.push, self.push, self.fault, self.act, self.act]
        self.luck.choice([*happenings, self.time_passes, self.target_act])()

    def arrive(self) -> None:
        number = self.luck.randint(1, 12)
        fill(self.context, *([service(n), evaluation(n)] for n in range(self.records, self.records + number)))
        self.records += number

    def push(self) -> None:
        push(self.context, "national")

    def fault(self) -> None:
        wish = dict(self.luck.choice(FAULTS))
        if not (wish["fault"] == "refuse" and self.luck.random() < 0.5):
            self.platform.admin.fault(str(wish.pop("fault")), **wish)

    def act(self) -> None:
        lines = list_batches(self.context, limit=1000)
        if lines:
            chosen = [line.batch_id for line in self.luck.sample(lines, min(len(lines), 3))]
            act_on(self.context, Order(self.luck.choice(ACTS), "王工", "演练", parts=self.luck.randint(2, 4)), chosen)

    def time_passes(self) -> None:
        pass_time(self.clock, self.platform, minutes=self.luck.choice([1, 6, 16]))

    def target_act(self) -> None:
        target = show_target(self.context, "national")
        now = self.clock()
        if target.suspended_code is not None:
            resume_target(self.context, "national", "王工", "已修复")
        elif target.maintenance is not None:
            end_maintenance(self.context, "national", "王工", "结束")
        elif self.luck.random() < 0.5:
            plan_maintenance(self.context, "national", now, now + timedelta(minutes=10), "王工", "升级")
        else:
            suspend_target(self.context, "national", "王工", "演练")

    def ends(self) -> None:
        """Faults removed, causes cleared, a few rounds of an ordinary day."""
        self.platform.admin.clear()
        for _ in range(8):
            pass_time(self.clock, self.platform, minutes=61)
            if show_target(self.context, "national").suspended_code is not None:
                resume_target(self.context, "national", "王工", "已修复")
            parked = list_batches(self.context, states=[BatchState.SUSPENDED], limit=1000)
            act_on(self.context, Order(BatchAct.RESUME, "王工", "演练结束"), [line.batch_id for line in parked])
            push(self.context, "national")


@pytest.mark.parametrize("seed", range(1, NIGHTS + 1))
def test_a_night_of_faults_and_acts_ends_with_everything_there_once(
    context: Context, platform: RunningPlatform, clock: Clock, seed: int
) -> None:
    night = Night(context, platform, clock, seed)
    for _ in range(STEPS):
        night.happens()
    night.ends()
    everything_there(context, platform, night.records)
    assert platform.admin.oracle()["effects"]["evaluation"] == night.records
    lines = list_batches(context, limit=1000)
    assert {line.state for line in lines} <= {"ACKNOWLEDGED", "CANCELLED", "REJECTED"}
    for line in lines:
        history_holds(context, line.batch_id, line.state)
    assert reconcile(context, "national").agreed


def history_holds(context: Context, batch_id: str, state: str) -> None:
    """I1, I4: the history leads to the state by steps of the table, and its rank never falls."""
    at: BatchState | None = None
    for event in show_batch(context, batch_id).events:
        assert event.from_state == at
        to = TABLE[(at, BatchEvent(event.event))]
        assert at is None or STAGES[to].rank >= STAGES[at].rank
        at = to
    assert at == state
