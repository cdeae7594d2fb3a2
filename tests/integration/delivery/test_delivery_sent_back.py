"""What a platform refused and a person replays: it goes again, once, and nothing is lost in quarantine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.stages.context import Context
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from gateway.stages.push import push
from gateway.stages.replay import replay
from gateway.store import outbox, quarantine
from gateway.store.tables import duplicate, ledger_record, raw_page
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery import world
from tests.integration.delivery.conftest import Clock
from tests.integration.store.portal_data import SOURCE, Served, page, record, serve


@pytest.fixture
def context(home: Path, platform: RunningPlatform, store_url: str, clock: Clock) -> Iterator[Context]:
    """With the project's own mappings, so that a replay maps anew; three records are in the ledger."""
    shutil.copytree(world.REPOSITORY / "mappings", home / "mappings", dirs_exist_ok=True)
    opened = world.open_world(home, store_url, clock)
    serve(opened, Served([page([record(1), record(2), record(3)])]))
    pull(opened, SOURCE)
    assert normalise(opened).stored == 3
    yield opened
    opened.store.close()


def still_open(context: Context) -> int:
    with context.store.read() as transaction:
        return len(quarantine.kept(transaction))


def counts(context: Context) -> tuple[int, int, int, int]:
    """Landed, stored, quarantined and duplicate of the one page."""
    columns = [raw_page.c[name] for name in ("landed", "stored", "quarantined", "duplicate")]
    with context.store.read() as transaction:
        landed, stored, quarantined, repeated = transaction.execute(select(*columns)).one()
        assert transaction.execute(select(func.count()).select_from(duplicate)).scalar_one() == 0
    return landed, stored, quarantined, repeated


def effects(platform: RunningPlatform) -> tuple[int, int]:
    oracle = platform.admin.oracle()
    assert oracle["doubled"] == 0
    return oracle["effects"]["service"], oracle["effects"]["evaluation"]


def test_a_batch_refused_as_a_whole_goes_again_after_a_replay(context: Context, platform: RunningPlatform) -> None:
    platform.admin.fault("refuse", code="batch.malformed", times=None)
    refused = push(context, "national").rejected
    assert refused == 6  # all six, the services, two, one, one and one; their evaluations wait for them
    platform.admin.clear()
    assert (still_open(context), effects(platform)) == (3, (0, 0))

    rehearsed = replay(context, dry_run=True)
    assert (rehearsed.passing, rehearsed.stored) == (3, 3)
    assert push(context, "national").sealed == 0
    done = replay(context, dry_run=False, actor="王工", reason="平台已修复")
    assert (done.passing, done.stored, done.duplicate) == (3, 3, 0)
    assert (still_open(context), counts(context)) == (0, (3, 3, 0, 0))
    assert push(context, "national").acknowledged == 2
    assert effects(platform) == (3, 3)
    assert replay(context, dry_run=False, actor="王工", reason="再试").total == 0
    assert push(context, "national").sealed == 0


def test_records_of_an_expired_batch_are_not_lost(context: Context, platform: RunningPlatform, clock: Clock) -> None:
    platform.admin.fault("retry_after", seconds=1, call="batches")
    push(context, "national")
    clock.shift += timedelta(days=40)
    platform.admin.clock(shift=clock.shift.total_seconds())
    push(context, "national")
    assert still_open(context) == 3
    replay(context, dry_run=False, actor="王工", reason="平台已恢复")
    assert push(context, "national").acknowledged == 1
    assert effects(platform) == (3, 3)


def test_refused_once_more_and_replayed_once_more(context: Context, platform: RunningPlatform) -> None:
    for _ in range(2):
        platform.admin.fault("refuse_records", code="item.unknown", count=1, kind="service")
        assert push(context, "national").rejected + push(context, "national").partially_accepted <= 1
        assert still_open(context) == 1
        replay(context, dry_run=False, actor="王工", reason="事项已登记")
    push(context, "national")
    push(context, "national")
    assert (effects(platform), counts(context)) == ((3, 3), (3, 3, 0, 0))


def test_a_repaired_mapping_makes_a_further_version(context: Context, platform: RunningPlatform) -> None:
    platform.admin.fault("refuse_records", code="item.unknown", count=1, kind="service")
    push(context, "national")
    file = context.settings.mappings_dir / "511602" / "portal.yaml"
    text = file.read_text(encoding="utf-8")
    assert "case.projectName" in text
    file.write_text(text.replace("case.projectName", "case.orgName"), encoding="utf-8")
    with_repair = world.open_world(context.settings.home, context.settings.database_url, context.clock)
    try:
        done = replay(with_repair, dry_run=False, actor="王工", reason="映射已改")
        assert (done.passing, done.stored) == (1, 1)
        push(with_repair, "national")
    finally:
        with_repair.store.close()
    with context.store.read() as transaction:
        versions = transaction.execute(select(ledger_record.c.version).where(ledger_record.c.kind == "service"))
        assert sorted(versions.scalars()) == [1, 1, 1, 2]
    assert (effects(platform), counts(context)) == ((3, 3), (3, 3, 0, 0))


def test_a_replay_does_not_bring_an_older_wording_over_a_correction(
    context: Context, platform: RunningPlatform
) -> None:
    platform.admin.fault("refuse_records", code="item.unknown", count=1, kind="service")
    push(context, "national")
    corrected = record(1, correction=True)
    corrected["case"]["projectName"] = "更正后的名称"
    serve(context, Served([page([corrected], origin="page=2", cursor='{"n":2}')]))
    pull(context, SOURCE)
    normalise(context)
    push(context, "national")
    assert replay(context, dry_run=False, actor="王工", reason="已更正").stored == 0
    assert push(context, "national").sealed == 0
    assert effects(platform) == (3, 3)


def test_what_the_gateway_wrote_itself_goes_again_too(context: Context, platform: RunningPlatform) -> None:
    push(context, "national")
    with context.store.begin() as transaction:
        of_evaluation = select(ledger_record.c.position).where(ledger_record.c.kind == "evaluation").limit(1)
        position = transaction.execute(of_evaluation).scalar_one()
        outbox.hold(transaction, "national", [position], "item.unknown", context.clock())
    assert push(context, "national").sealed == 0
    assert replay(context, code="another.reason", dry_run=False, actor="王工", reason="已登记").sent_again == 0
    assert replay(context, dry_run=True).sent_again == 1
    assert push(context, "national").sealed == 0
    assert replay(context, SOURCE, dry_run=False, actor="王工", reason="已登记").sent_again == 1
    assert push(context, "national").records_sealed == 1
