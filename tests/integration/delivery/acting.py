"""What tests of acts share: batches in a certain state, acts, and what must hold when all is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from gateway.domain.batch_act import BatchAct
from gateway.stages.batch_acts import ActReport, Order, act_on
from gateway.stages.context import Context
from gateway.stages.delivery_acts import (
    list_batches,
)
from gateway.stages.push import push
from gateway.store.tables import bundle, delivery_hold, stream, void_notice
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery.conftest import Clock
from tests.integration.delivery.world import fill, service


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
