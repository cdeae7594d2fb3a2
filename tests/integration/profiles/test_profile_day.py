"""Receivers whose interface compares no day: people do, and then their batches are settled, archived and purged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain.moments import shanghai
from gateway.errors import Misconfigured, Rejected
from gateway.evidence.folder import PublicKeyFolder
from gateway.evidence.verify import verify_folder
from gateway.reports.status import gateway_status
from gateway.reports.stuck import stuck
from gateway.reports.waiting import waiting
from gateway.stages.evidence import build, folder_of, purge
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from gateway.stages.unheard import own_day, sign_own_day
from tests.integration.delivery.world import evaluation, fill, service
from tests.integration.profiles.conftest import Clock, Open
from tests.integration.profiles.world import TARGET, World

WHY = "与对方电话核对，条数一致"
DAY = timedelta(days=1)


def sent(world: World) -> str:
    """Three cases with their evaluation arrive, one is refused; the business date."""
    world.receiver.refuse = lambda kind, record: (
        "差评必须勾选详情或填写文字评价" if kind == "evaluation" and record["projectNo"].endswith("000002") else None
    )
    fill(world.context, *([service(number), evaluation(number)] for number in range(3)))
    for _ in range(3):
        push(world.context, TARGET)
    assert world.states() == ["PARTIALLY_ACCEPTED"]
    return shanghai(world.context.clock()).date().isoformat()


def told(world: World) -> list[str]:
    context = world.context
    status = gateway_status(context.store, {}, context.clock(), context.targets.pushed)
    return [wait.code for wait in waiting(status)]


def test_two_people_settle_a_day_that_no_call_can_compare(province: Open) -> None:
    world = province("sd-txn")
    day = sent(world)
    assert "unheard" in told(world)
    with pytest.raises(Misconfigured, match=r"profile\.no_call"):
        reconcile(world.context, TARGET, day)
    assert own_day(world.context, TARGET, day).counts == {"service": 3, "evaluation": 2, "rectification": 0}
    with pytest.raises(Rejected, match=r"act\.reason_missing"):
        sign_own_day(world.context, TARGET, day, "cli:wang", " ")
    with pytest.raises(Rejected, match=r"reconcile\.day_unknown"):
        sign_own_day(world.context, TARGET, "2020-01-01", "cli:wang", WHY)
    for _ in range(2):
        assert sign_own_day(world.context, TARGET, day, "cli:wang", WHY) == (("cli:wang",), 0)
    assert world.states() == ["PARTIALLY_ACCEPTED"]
    names, moved = sign_own_day(world.context, TARGET, day, "cli:li", WHY)
    assert (set(names), moved) == ({"cli:wang", "cli:li"}, 1)
    assert world.states() == ["RECONCILED"]
    assert "unheard" not in told(world)


def test_what_the_day_brings_later_needs_two_names_of_its_own(province: Open) -> None:
    world = province("sd-txn")
    day = sent(world)
    for name in ("cli:wang", "cli:li"):
        sign_own_day(world.context, TARGET, day, name, WHY)
    fill(world.context, [service(7)])
    push(world.context, TARGET)
    assert own_day(world.context, TARGET, day).signatures == ()
    assert sign_own_day(world.context, TARGET, day, "cli:wang", WHY) == (("cli:wang",), 0)
    assert world.states() == ["RECONCILED", "ACKNOWLEDGED"]


def test_what_nobody_compared_is_told_with_who_must_act(province: Open, clock: Clock) -> None:
    world = province("sd-txn")
    day = sent(world)
    clock.shift += 2 * DAY
    context = world.context
    (line,) = stuck(context.store, context.clock(), context.targets.unheard)
    assert (line.state, line.owner) == ("PARTIALLY_ACCEPTED", "operator_and_platform")
    assert line.command == f"gw reconcile sign {day} --target {TARGET} --reason …"


def test_its_batches_are_archived_and_purged_like_any_other(province: Open, clock: Clock) -> None:
    world = province("sd-txn")
    day = sent(world)
    for name in ("cli:wang", "cli:li"):
        sign_own_day(world.context, TARGET, day, name, WHY)
    clock.shift += DAY
    report = build(world.context)
    assert (report.batches, report.damaged) == (1, ())
    keys = PublicKeyFolder(world.context.keys.path)
    found = verify_folder(folder_of(world.context), keys, head=report.head)
    assert (found.sound, found.batches) == (True, 1)
    clock.shift += 100 * DAY
    assert purge(world.context, "cli:wang", "保留期已过", dry_run=False).purged == 1
    assert world.states() == ["PURGED"]
    with world.context.store.read() as transaction:
        kept = transaction.exec_driver_sql("SELECT request, answer FROM target_call").all()
    assert [request for request, _ in kept] == [None] * len(kept)
    assert all(answer for _, answer in kept)
