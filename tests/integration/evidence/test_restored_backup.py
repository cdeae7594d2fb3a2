"""Our database is older than the platform: found, told, and repaired without anything taking effect twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.reports.stuck import stuck
from gateway.stages.context import Context
from gateway.stages.delivery import open_delivery
from gateway.stages.delivery_acts import show_target
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from gateway.stages.reconcile_acts import Chosen, RepairAct, repair, show_day
from gateway.stages.recover import recover
from gateway.store.tables import batch, stream
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery.conftest import Clock
from tests.integration.delivery.world import fill, open_world, service
from tests.integration.evidence.conftest import die_at
from tests.integration.evidence.test_reconcile_repairs import WHY, states, today


@pytest.fixture
def restored(
    context: Context,
    platform: RunningPlatform,
    copy_database: Callable[[], str],
    home: Path,
    clock: Clock,
    tmp_path: Path,
) -> Iterator[Context]:
    """Ten records were reported, five sealed and refused for now; then the backup was made. Afterwards these five and
    fifteen more were reported. The database is the backup's again."""
    fill(context, *([service(number)] for number in range(10)))
    push(context, "national")
    platform.admin.fault("retry_after", seconds=1, call="batches")
    fill(context, *([service(number)] for number in range(10, 15)))
    push(context, "national")
    backup = copy_database()
    clock.shift += timedelta(seconds=30)
    push(context, "national")
    fill(context, *([service(number)] for number in range(15, 30)))
    push(context, "national")
    assert platform.admin.oracle()["effects"]["service"] == 30
    (tmp_path / "backup.url").write_text(backup)
    opened = open_world(home, backup, clock)
    yield opened
    opened.store.close()


def the_same_again(restored: Context) -> None:
    """The sources are pulled again from the backup's cursor."""
    fill(restored, *([service(number)] for number in range(15, 30)))


def all_is_well(restored: Context, platform: RunningPlatform) -> None:
    oracle = platform.admin.oracle()
    assert (oracle["effects"]["service"], oracle["doubled"]) == (30, 0)
    day = today(restored)
    proven = repair(restored, "national", day, RepairAct.ACCEPT, "cli:wang", WHY, Chosen(proven=True), dry_run=False)
    assert (proven.chosen, proven.done) == (15, 15)
    assert reconcile(restored, "national", day).agreed
    assert show_target(restored, "national").suspended_code is None


def test_a_rehearsal_tells_and_changes_nothing(restored: Context, platform: RunningPlatform) -> None:
    before = states(restored)
    report = recover(restored, "national", "", "")
    assert (report.done, report.passed, report.days) == (False, 0, ())
    assert (report.sequence.our_last, report.sequence.their_highest, report.sequence.unknown_here) == (2, 4, 2)
    assert (report.asked, report.receipts) == (1, 1)
    assert states(restored) == before
    assert platform.admin.voids() == []


def test_receipts_sequence_and_records_come_back_and_nothing_counts_twice(
    restored: Context, platform: RunningPlatform
) -> None:
    report = recover(restored, "national", "cli:wang", WHY, dry_run=False)
    assert (report.asked, report.receipts, report.passed) == (1, 1, 3)
    assert "ACKNOWLEDGED" in states(restored) or "RECONCILED" in states(restored)
    assert sum(kind.differing for day in report.days for kind in day.kinds) == 15
    assert {one.difference.difference for one in show_day(restored, "national", today(restored)).differences} == {
        "missing_here"
    }
    the_same_again(restored)
    pushed = push(restored, "national")
    assert (pushed.sealed, pushed.acknowledged) == (2, 2)
    with restored.store.read() as transaction:
        numbers = transaction.execute(select(batch.c.seq).order_by(batch.c.seq)).scalars().all()
        assert transaction.execute(select(stream.c.last_seq)).scalar() == 7
    assert numbers == [1, 2, 6, 7]
    assert len(platform.admin.voids()) == 1
    all_is_well(restored, platform)
    again = recover(restored, "national", "cli:wang", WHY, dry_run=False)
    assert (again.passed, again.asked) == (0, 0)


def test_numbers_that_were_taken_twice_are_given_up(restored: Context, platform: RunningPlatform, clock: Clock) -> None:
    """Somebody pushed before looking: the platform refused the number, the target stands still."""
    the_same_again(restored)
    push(restored, "national")
    assert "SUSPENDED" in states(restored)
    report = recover(restored, "national", "cli:wang", WHY, dry_run=False)
    assert report.sequence.clashing
    assert report.passed
    assert "SUSPENDED" not in states(restored)
    clock.shift += timedelta(seconds=30)
    push(restored, "national")
    clock.shift += timedelta(seconds=30)
    push(restored, "national")
    assert set(states(restored)) <= {"RECONCILED", "ACKNOWLEDGED", "CANCELLED"}
    reconcile(restored, "national", today(restored))
    all_is_well(restored, platform)


def test_a_number_taken_twice_is_not_given_up_while_its_batch_may_have_arrived(
    restored: Context, platform: RunningPlatform, clock: Clock
) -> None:
    """Its first attempt got a 500, and who knows what that left behind; only then was the number refused. The platform
    is asked again, and what it doesn't know by then is given up: the simulation has the time for that."""
    the_same_again(restored)
    platform.admin.fault("http_500", call="batches", times=3)
    push(restored, "national")
    clock.shift += timedelta(seconds=30)
    push(restored, "national")
    found = recover(restored, "national", "cli:wang", WHY, dry_run=False).sequence
    assert found.unproven
    told = [line for line in stuck(restored.store, clock()) if line.code == "batch.sequence"]
    assert {each for line in told for each in line.ids} == set(found.unproven)
    assert {line.command.split(" --")[0] for line in told} == {"gw reconcile recover"}
    with restored.store.read() as transaction:
        held = select(batch.c.batch_id).where(batch.c.state == "SUSPENDED")
        assert set(transaction.scalars(held)) == set(found.unproven)


def test_a_number_beyond_those_that_were_taken_twice_leaves_no_hole(
    restored: Context, platform: RunningPlatform, clock: Clock
) -> None:
    """The third batch's own number is free; it is refused since its neighbour is another batch than the platform's."""
    the_same_again(restored)
    fill(restored, *([service(number)] for number in range(30, 40)))
    push(restored, "national")
    recover(restored, "national", "cli:wang", WHY, dry_run=False)
    for _ in range(3):
        clock.shift += timedelta(seconds=30)
        push(restored, "national")
    oracle = platform.admin.oracle()
    assert (oracle["effects"]["service"], oracle["doubled"]) == (40, 0)
    with open_delivery(restored, "national") as delivery:
        assert delivery.client.stream_state("main").missing == []


@pytest.mark.kill
@pytest.mark.parametrize("point", ["recover.cancelled", "recover.passed"])
def test_killed_on_the_way_back(
    restored: Context, platform: RunningPlatform, home: Path, clock: Clock, tmp_path: Path, point: str
) -> None:
    url = (tmp_path / "backup.url").read_text()

    def act(opened: Context) -> None:
        recover(opened, "national", "cli:wang", WHY, dry_run=False)

    die_at(point, home, url, clock, act)
    act(restored)
    the_same_again(restored)
    assert push(restored, "national").acknowledged == 2
    assert len(platform.admin.voids()) == 1
    all_is_well(restored, platform)
