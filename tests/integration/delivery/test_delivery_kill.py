"""A pushing process is killed at random points: in the end everything took effect exactly once."""

from __future__ import annotations

import multiprocessing
import random
import time
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.stages.context import Context
from gateway.stages.delivery_acts import list_batches, show_batch
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from gateway.store.tables import batch_record
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery.conftest import Clock
from tests.integration.delivery.world import evaluation, fill, open_world, service

RECORDS = 60
FORK = multiprocessing.get_context("fork")  # a fresh interpreter would spend its life importing


def push_in_a_process(home: Path, store_url: str, ready: Event) -> None:
    context = open_world(home, store_url)
    ready.set()
    push(context, "national")


@pytest.mark.kill
def test_killed_ten_times_and_yet_once(
    context: Context, platform: RunningPlatform, clock: Clock, home: Path, store_url: str
) -> None:
    luck = random.Random(20261122)
    killed = 0
    for turn in range(10):
        first = turn * RECORDS
        fill(context, *([service(first + number), evaluation(first + number)] for number in range(RECORDS)))
        ready = FORK.Event()
        process = FORK.Process(target=push_in_a_process, args=(home, store_url, ready))
        process.start()
        assert ready.wait(30)
        time.sleep(luck.uniform(0.0, 0.25))  # where it is hit is the point of this test
        killed += process.is_alive()
        process.kill()
        process.join()
        process.close()
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
    with context.store.read() as transaction:
        twice = select(batch_record.c.position).group_by(batch_record.c.position).having(func.count() > 1)
        assert transaction.execute(twice).first() is None
    assert reconcile(context, "national").agreed


@pytest.mark.kill
def test_two_workers_at_once_share_the_work(
    context: Context, platform: RunningPlatform, home: Path, store_url: str
) -> None:
    fill(context, *([service(number), evaluation(number)] for number in range(100)))
    ready = FORK.Event()
    workers = [FORK.Process(target=push_in_a_process, args=(home, store_url, ready)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
        worker.close()
    push(context, "national")
    assert {line.state for line in list_batches(context, limit=1000)} == {"ACKNOWLEDGED"}
    oracle = platform.admin.oracle()
    assert oracle["effects"] == {"service": 100, "evaluation": 100, "rectification": 0}
    assert oracle["doubled"] == 0
    assert all(batch["requests"] == 1 for batch in platform.admin.batches())
