"""Differences between the two sides: found without holding a day, repaired by a person, signed by two."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from gateway.domain.moments import shanghai
from gateway.errors import Rejected
from gateway.stages import reconcile as stage
from gateway.stages.context import Context
from gateway.stages.delivery_acts import list_batches
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from gateway.stages.reconcile_acts import Chosen, RepairAct, list_days, repair, show_day, sign_day
from gateway.store.batch_records import records_of
from gateway.store.tables import audit_event, batch_attempt, batch_record, quarantine
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery.conftest import Clock
from tests.integration.delivery.world import evaluation, fill, service
from tests.integration.evidence.conftest import die_at

WHY = "与平台核对"


def today(context: Context) -> str:
    return shanghai(context.clock()).date().isoformat()


def states(context: Context) -> list[str]:
    return [line.state for line in reversed(list_batches(context, limit=1000))]


def forget(platform: RunningPlatform, *keys: str) -> None:
    """The platform loses single records, without anyone's act."""
    for file in platform.folder.rglob("*.db"):
        with closing(sqlite3.connect(file)) as books, books:
            books.executemany("DELETE FROM held WHERE key = ?", [(key,) for key in keys])


def spoil(context: Context, key_item: int) -> None:
    """One of our records is not what was sent."""
    with context.store.begin() as transaction:
        first = list_batches(context)[-1].batch_id
        where = (records_of(first), batch_record.c.item == key_item)
        transaction.execute(update(batch_record).where(*where).values(record_digest=b"\0" * 32))


def test_all_three_classes_are_found_page_by_page(
    context: Context, platform: RunningPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "PAGE", 4)
    monkeypatch.setattr(stage, "LOOKED_UP", 2)
    fill(context, *([service(number), evaluation(number)] for number in range(30)))
    push(context, "national")
    forget(platform, *(f"P{number:06d}#1" for number in range(10, 15)))
    with context.store.begin() as transaction:
        first = list_batches(context)[-1].batch_id
        ours = (records_of(first), batch_record.c.item.in_([0, 1]))
        transaction.execute(update(batch_record).where(*ours).values(code="region.unknown"))
    spoil(context, 3)
    day = reconcile(context, "national").days[0]
    assert not day.agreed
    expected = dict.fromkeys((f"P{n:06d}#1" for n in range(10, 15)), "missing_there") | {"P000003#1": "differing"}
    expected |= dict.fromkeys(("P000000#1", "P000001#1"), "missing_here")
    found = show_day(context, "national", today(context)).differences
    assert {one.difference.record_key: one.difference.difference for one in found if one.kind == "service"} == expected
    assert sum(kind.differing for kind in day.kinds) == len(found)
    by_class = {one.difference.difference: one for one in found}
    assert by_class["missing_there"].difference.their_digest is None
    assert by_class["missing_here"].difference.our_version is None
    assert by_class["differing"].difference.our_digest == "00" * 32
    assert {name: one.act for name, one in by_class.items()} == {
        "missing_there": "resend",
        "missing_here": "accept",
        "differing": "quarantine",
    }


def test_a_lost_batch_goes_again_with_the_same_bytes_and_two_people_close_it(
    context: Context, platform: RunningPlatform
) -> None:
    fill(context, *([service(number)] for number in range(15)))
    push(context, "national")
    platform.admin.reset()
    day = today(context)
    assert not reconcile(context, "national").agreed
    assert states(context) == ["DISPUTED", "DISPUTED"]
    dry = repair(context, "national", day, RepairAct.RESEND, "", "")
    assert [one.outcome for one in dry.batches] == ["would_resend"] * 2
    assert platform.admin.oracle()["effects"]["service"] == 0
    with pytest.raises(Rejected, match=r"reconcile\.still_open"):
        sign_day(context, "national", day, "cli:wang", WHY)
    done = repair(context, "national", day, RepairAct.RESEND, "cli:wang", WHY, dry_run=False)
    assert [one.outcome for one in done.batches] == ["resent"] * 2
    assert (done.chosen, done.done) == (15, 15)
    oracle = platform.admin.oracle()
    assert (oracle["effects"]["service"], oracle["doubled"]) == (15, 0)
    with context.store.read() as transaction:
        bodies = transaction.execute(select(batch_attempt.c.batch_id, batch_attempt.c.request_digest).distinct()).all()
        acts = transaction.execute(select(audit_event.c.act)).scalars().all()
    assert len(bodies) == 2
    assert acts.count("reconcile.resend") == 2
    assert sign_day(context, "national", day, "cli:wang", WHY) == ("cli:wang",)
    assert sign_day(context, "national", day, "cli:wang", WHY) == ("cli:wang",)
    assert states(context) == ["DISPUTED", "DISPUTED"]
    assert set(sign_day(context, "national", day, "cli:li", WHY)) == {"cli:wang", "cli:li"}
    assert states(context) == ["RECONCILED", "RECONCILED"]
    (line,) = list_days(context, "national", day, day)
    assert set(line.signers) == {"cli:wang", "cli:li"}


def test_a_batch_that_the_platform_knows_is_never_sent_again(context: Context, platform: RunningPlatform) -> None:
    fill(context, *([service(number)] for number in range(5)))
    push(context, "national")
    forget(platform, "P000002#1")
    reconcile(context, "national")
    report = repair(context, "national", today(context), RepairAct.RESEND, "cli:wang", WHY, dry_run=False)
    assert [one.outcome for one in report.batches] == ["known_there"]
    assert report.done == 0
    assert platform.admin.batches()[0]["requests"] == 1


def test_an_explanation_holds_only_while_the_difference_stays_the_same(
    context: Context, platform: RunningPlatform
) -> None:
    fill(context, *([service(number)] for number in range(5)))
    push(context, "national")
    spoil(context, 3)
    day = today(context)
    assert not reconcile(context, "national").agreed
    with pytest.raises(Rejected, match=r"reconcile\.nothing_chosen"):
        repair(context, "national", day, RepairAct.ACCEPT, "", "", Chosen(keys=("P000009#1",)))
    assert repair(context, "national", day, RepairAct.ACCEPT, "", "").done == 0
    assert repair(context, "national", day, RepairAct.ACCEPT, "cli:wang", WHY, dry_run=False).done == 1
    assert reconcile(context, "national", day).agreed
    assert show_day(context, "national", day).repairs[0].reason == WHY
    with context.store.begin() as transaction:
        where = batch_record.c.item == 3
        transaction.execute(update(batch_record).where(where).values(record_digest=b"\1" * 32))
    assert not reconcile(context, "national", day).agreed


def test_a_record_set_aside_waits_for_its_source(context: Context, platform: RunningPlatform) -> None:
    fill(context, *([service(number)] for number in range(5)))
    push(context, "national")
    spoil(context, 3)
    day = today(context)
    reconcile(context, "national")
    assert repair(context, "national", day, RepairAct.QUARANTINE, "cli:wang", WHY, dry_run=False).done == 1
    with context.store.read() as transaction:
        assert transaction.execute(select(quarantine.c.record_key)).scalars().all() == ["P000003#1"]
    assert reconcile(context, "national", day).agreed


def test_what_is_under_way_is_expected_to_differ(context: Context, platform: RunningPlatform) -> None:
    fill(context, *([service(number)] for number in range(10)))
    push(context, "national")
    platform.admin.fault("lose_reply")  # taken there, unknown here
    fill(context, *([service(number)] for number in range(10, 15)))
    platform.admin.fault("down", call="status", times=None)
    push(context, "national")
    day = reconcile(context, "national").days[0]
    assert day.agreed
    assert len(day.unsettled) == 1
    services = day.kinds[0]
    assert (services.our_count, services.their_count, services.equal, services.expected) == (10, 15, False, 5)


def test_a_cancelled_batch_that_the_platform_took_is_disputed(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    """Row 29: not on the listing's word, but on a receipt that verifies."""
    fill(context, *([service(number)] for number in range(5)))
    push(context, "national")
    with context.store.begin() as transaction:
        from gateway.store.tables import batch, batch_event

        gone = {"state": "EXPIRED", "accepted": None, "duplicates": None, "rejected": None}
        transaction.execute(update(batch).values(**gone))
        transaction.execute(
            update(batch_event).where(batch_event.c.to_state == "ACKNOWLEDGED").values(to_state="EXPIRED")
        )
    clock.shift += timedelta(seconds=1)
    assert not reconcile(context, "national", today(context)).agreed
    assert states(context) == ["DISPUTED"]


@pytest.mark.kill
@pytest.mark.parametrize("point", ["resend.leaving", "resend.answered", "reconcile.stored", "reconcile.compared"])
def test_killed_while_a_lost_batch_goes_again(
    context: Context, platform: RunningPlatform, home: object, store_url: str, clock: Clock, point: str
) -> None:
    fill(context, *([service(number)] for number in range(5)))
    push(context, "national")
    platform.admin.reset()
    reconcile(context, "national")
    day = today(context)

    def act(opened: Context) -> None:
        repair(opened, "national", day, RepairAct.RESEND, "cli:wang", WHY, dry_run=False)

    die_at(point, home, store_url, clock, act)  # type: ignore[arg-type]
    clock.shift += timedelta(seconds=60)  # the dead one's lease has lapsed
    reconcile(context, "national", day)
    if not reconcile(context, "national", day).agreed:
        act(context)
    assert reconcile(context, "national", day).agreed
    oracle = platform.admin.oracle()
    assert (oracle["effects"]["service"], oracle["doubled"]) == (5, 0)


@pytest.mark.kill
@pytest.mark.parametrize("point", ["reconcile.repaired", "reconcile.signed"])
def test_killed_in_a_persons_act_leaves_nothing_of_it(
    context: Context, platform: RunningPlatform, home: object, store_url: str, clock: Clock, point: str
) -> None:
    fill(context, *([service(number)] for number in range(5)))
    push(context, "national")
    spoil(context, 3)
    reconcile(context, "national")
    day = today(context)

    def accept(opened: Context) -> None:
        repair(opened, "national", day, RepairAct.ACCEPT, "cli:wang", WHY, dry_run=False)

    def sign(opened: Context) -> None:
        sign_day(opened, "national", day, "cli:li", WHY)

    if point == "reconcile.repaired":
        die_at(point, home, store_url, clock, accept)  # type: ignore[arg-type]
        assert len(show_day(context, "national", day).differences) == 1
        assert show_day(context, "national", day).repairs == ()
        return
    accept(context)
    sign_day(context, "national", day, "cli:wang", WHY)
    die_at(point, home, store_url, clock, sign)  # type: ignore[arg-type]
    assert states(context) == ["DISPUTED"]
    sign(context)
    assert states(context) == ["RECONCILED"]
