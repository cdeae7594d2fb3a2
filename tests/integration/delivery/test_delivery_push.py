"""Pushing to a platform that runs: what arrives there, and what we know of it."""

from __future__ import annotations

from gateway.stages.context import Context
from gateway.stages.delivery_acts import list_batches
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery.world import evaluation, fill, service


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
