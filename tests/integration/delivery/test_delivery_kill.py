"""A pushing process is killed at random points: in the end everything took effect exactly once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.stages.context import Context
from gateway.stages.delivery_acts import list_batches, show_batch
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery.conftest import Clock
from tests.integration.delivery.world import REPOSITORY, evaluation, fill, service

RECORDS = 60


@pytest.mark.kill
def test_killed_ten_times_and_yet_once(
    context: Context, platform: RunningPlatform, clock: Clock, home: Path, store_url: str
) -> None:
    luck = random.Random(20261122)
    killed = 0
    for turn in range(10):
        first = turn * RECORDS
        fill(context, *([service(first + number), evaluation(first + number)] for number in range(RECORDS)))
        command = [sys.executable, "-m", "tests.integration.delivery.pusher", str(home), store_url]
        with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(luck.uniform(0.0, 0.25))  # where it is hit is the point of this test
            killed += process.poll() is None
            process.kill()
    assert killed > 0

    clock.shift += timedelta(seconds=45)  # the leases of the dead have lapsed
    push(context, "national")
    push(context, "national")
    assert {line.state for line in list_batches(context, limit=1000)} == {"ACKNOWLEDGED"}
    oracle = platform.admin.oracle()
    assert oracle["effects"] == {"service": 10 * RECORDS, "evaluation": 10 * RECORDS, "rectification": 0}
    assert oracle["doubled"] == 0
    assert all(len(batch["digests"]) == 1 for batch in platform.admin.batches())
    for line in list_batches(context, limit=1000):
        history = show_batch(context, line.batch_id).events
        assert [event.from_state for event in history[1:]] == [event.to_state for event in history[:-1]]
        assert history[-1].to_state == line.state
    assert reconcile(context, "national").agreed
