"""Purging: only what is settled, old enough, and held by an archive that verifies."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.errors import Misconfigured, Rejected
from gateway.evidence.folder import PublicKeyFolder, content_path, days_in
from gateway.evidence.verify import verify_folder
from gateway.stages.context import Context
from gateway.stages.delivery_acts import list_batches, show_batch
from gateway.stages.evidence import build, folder_of, purge
from gateway.stages.reconcile import reconcile
from gateway.store.tables import audit_event, batch_body, batch_record, receipt
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery.conftest import Clock
from tests.integration.evidence.conftest import die_at
from tests.integration.evidence.test_evidence_archive import DAY, settle
from tests.integration.evidence.test_reconcile_repairs import today

WHY = "保留期已过"


def bodies(context: Context) -> int:
    with context.store.read() as transaction:
        return int(transaction.execute(select(func.count()).select_from(batch_body)).scalar_one())


def states(context: Context) -> set[str]:
    return {str(line.state) for line in list_batches(context, limit=100)}


def old(context: Context, clock: Clock) -> str:
    """Twenty records are settled and archived; it is a hundred days later. The day that they were reported."""
    day = today(context)
    settle(context, 0, 20)
    clock.shift += DAY
    build(context)
    clock.shift += timedelta(days=100)
    return day


def test_the_bytes_go_and_the_proof_stays(context: Context, platform: RunningPlatform, clock: Clock) -> None:
    day = old(context, clock)
    rehearsed = purge(context, "", "")
    assert (rehearsed.dry_run, rehearsed.purged, rehearsed.not_archived) == (True, 2, 0)
    assert rehearsed.freed_bytes > 0
    assert bodies(context) == 2
    done = purge(context, "cli:wang", WHY, dry_run=False)
    assert (done.purged, done.freed_bytes) == (2, rehearsed.freed_bytes)
    assert (bodies(context), states(context)) == (0, {"PURGED"})
    for line in list_batches(context):
        detail = show_batch(context, line.batch_id)
        assert detail.receipt_id
        assert detail.body_digest
        assert detail.events[-1].to_state == "PURGED"
    with context.store.read() as transaction:
        assert transaction.execute(select(func.count()).select_from(receipt)).scalar_one() == 2
        acts = transaction.execute(select(audit_event.c.act)).scalars().all()
    assert acts == ["evidence.purge"]
    platform.admin.clock(shift=clock.shift.total_seconds())
    assert reconcile(context, "national", day).agreed  # what was delivered still counts
    clock.shift += DAY
    build(context)  # the purge itself is history too
    found = verify_folder(folder_of(context), PublicKeyFolder(context.keys.path))
    assert found.sound
    assert found.batches == 4
    assert purge(context, "cli:wang", WHY, dry_run=False).purged == 0


def test_what_is_not_archived_is_not_purged(context: Context, platform: RunningPlatform, clock: Clock) -> None:
    settle(context, 0, 10)
    clock.shift += DAY
    build(context)
    platform.admin.clock(shift=clock.shift.total_seconds())
    settle(context, 10, 20)
    clock.shift += timedelta(days=100)
    report = purge(context, "cli:wang", WHY, dry_run=False)
    assert (report.purged, report.not_archived) == (1, 1)
    assert bodies(context) == 1


def test_nothing_is_purged_over_an_archive_that_is_not_sound(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    old(context, clock)
    folder = folder_of(context)
    path = content_path(folder, days_in(folder)[0])
    raw = path.read_bytes()
    path.write_bytes(raw[:-20] + bytes([raw[-20] ^ 1]) + raw[-19:])
    with pytest.raises(Misconfigured, match=r"evidence\.chain_broken"):
        purge(context, "cli:wang", WHY, dry_run=False)
    path.unlink()
    with pytest.raises(Misconfigured, match=r"evidence\.chain_broken"):
        purge(context, "cli:wang", WHY, dry_run=False)
    assert bodies(context) == 2


def test_retention_is_at_least_what_the_other_side_remembers(context: Context, platform: RunningPlatform) -> None:
    with pytest.raises(Rejected, match=r"evidence\.retention_short"):
        purge(context, "cli:wang", WHY, retention_days=89, dry_run=False)
    with pytest.raises(Rejected, match=r"act\.reason_missing"):
        purge(context, "cli:wang", " ", dry_run=False)


def test_what_is_younger_stays(context: Context, platform: RunningPlatform, clock: Clock) -> None:
    old(context, clock)
    assert purge(context, "cli:wang", WHY, retention_days=200, dry_run=False).purged == 0
    assert bodies(context) == 2


@pytest.mark.kill
@pytest.mark.parametrize("point", ["purge.gone", "purge.purged"])
def test_killed_while_purging(
    context: Context, platform: RunningPlatform, home: Path, store_url: str, clock: Clock, point: str
) -> None:
    old(context, clock)
    die_at(point, home, store_url, clock, lambda opened: purge(opened, "cli:wang", WHY, dry_run=False))
    left = {"purge.gone": 2, "purge.purged": 1}[point]
    assert bodies(context) == left
    assert sum(line.state == "PURGED" for line in list_batches(context)) == 2 - left
    assert purge(context, "cli:wang", WHY, dry_run=False).purged == left
    assert (bodies(context), states(context)) == (0, {"PURGED"})
    with context.store.read() as transaction:
        assert transaction.execute(select(func.count()).select_from(batch_record)).scalar_one() == 20
