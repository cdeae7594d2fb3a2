"""Pushing to a platform that runs: what arrives there, and what we know of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.stages import at_hand
from gateway.stages.context import Context
from gateway.stages.delivery_acts import list_batches, show_batch
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery.world import evaluation, fill, open_world, service


def states(context: Context) -> list[str]:
    """By sequence number."""
    return [line.state for line in reversed(list_batches(context))]


def test_everything_arrives_once_and_reconciles(context: Context, platform: RunningPlatform) -> None:
    fill(context, *([service(number), evaluation(number)] for number in range(13)))
    report = push(context, "national")
    assert report.suspended_code is None
    oracle = platform.admin.oracle()
    assert oracle["effects"] == {"service": 13, "evaluation": 13, "rectification": 0}
    assert oracle["doubled"] == 0
    assert set(states(context)) == {"ACKNOWLEDGED"}
    assert report.records_sealed == 26
    assert push(context, "national").sealed == 0

    result = reconcile(context, "national")
    assert result.agreed
    assert result.reconciled == report.sealed
    assert set(states(context)) == {"RECONCILED"}


class Hurrying:
    """A second passes whenever somebody looks at the clock."""

    def __init__(self) -> None:
        self._looks = 0

    def __call__(self) -> datetime:
        self._looks += 1
        return datetime.now(UTC) + timedelta(seconds=self._looks)


def test_what_was_refused_early_in_a_long_run_goes_again_before_its_end(
    home: Path, platform: RunningPlatform, store_url: str
) -> None:
    """A thousand batches may take an hour: what is due for another try doesn't wait for the last of them."""
    context = open_world(home, store_url, Hurrying())
    fill(context, *([service(number)] for number in range(70)))
    platform.admin.fault("http_503", call="batches")
    report = push(context, "national")
    assert (report.sealed, report.sent) == (7, 8)
    assert set(states(context)) == {"ACKNOWLEDGED"}
    first = list_batches(context)[-1]
    assert [event.event for event in show_batch(context, first.batch_id).events][3:6] == ["claimed", "retriable", "due"]
    context.store.close()


def test_a_batch_is_read_in_portions(
    context: Context, platform: RunningPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of the largest is: in the order of the ledger, no record left out between two portions or two batches."""
    monkeypatch.setattr(at_hand, "PORTION", 4)
    fill(context, *([service(number), evaluation(number)] for number in range(13)))
    report = push(context, "national")
    assert (report.sealed, report.records_sealed) == (3, 26)
    assert platform.admin.oracle()["effects"] == {"service": 13, "evaluation": 13, "rectification": 0}
    assert push(context, "national").sealed == 0
