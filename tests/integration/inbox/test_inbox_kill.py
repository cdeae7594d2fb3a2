"""A 2xx is a promise: the service is killed under load, and every acknowledged record is in the ledger, once."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from gateway.stages.normalise import normalise
from tests.integration.inbox.process import Crowd, forked, free_port
from tests.integration.inbox.world import HALL, SOURCE, Serving, World

KILLS = int(os.environ.get("GW_TEST_KILLS", "5"))  # more by hand
SENDERS = 6
KEYS = [{"id": "2026a", "algorithm": "hmac_sm3", "secret": "hall_01_2026a"}]


@pytest.fixture
def crowd(world: World) -> Iterator[Crowd]:
    world.write(senders=[{"id": HALL, "name": "大厅", "keys": KEYS, "per_second": 10_000, "burst": 10_000}])
    made = Crowd(world, f"http://127.0.0.1:{free_port()}")
    yield made
    made.kill()
    made.end()


def until_acknowledged(crowd: Crowd, more: int) -> None:
    """Let the senders work until so many more batches are acknowledged."""
    until = len(crowd.acknowledged) + more
    while len(crowd.acknowledged) < until:
        assert crowd.failures == []
        time.sleep(0.005)


def finish(crowd: Crowd) -> None:
    """Every promise was kept, and nothing happened twice."""
    assert crowd.failures == []
    with crowd.world.running() as serving:
        normalise(serving.context, SOURCE)
        held = Counter(key for (key,) in serving.rows("SELECT record_key FROM ledger_record WHERE kind = 'service'"))
        promised = [f"GA20261119{number:08d}#1" for _, numbers in crowd.acknowledged.values() for number in numbers]
        assert {key: held[key] for key in promised if held[key] != 1} == {}
        assert max(held.values()) == 1
        assert serving.count("raw_page") == serving.count("inbox_request")
        balance = "SELECT SUM(landed) - SUM(stored) - SUM(quarantined) - SUM(duplicate) FROM raw_page"
        assert serving.rows(balance) == [(0,)]
        assert serving.rows("SELECT SUM(duplicate + quarantined) FROM raw_page") == [(0,)]
        receipts(serving, crowd)


def receipts(serving: Serving, crowd: Crowd) -> None:
    pages = {page for (page,) in serving.rows("SELECT page_id FROM raw_page WHERE state = 'normalised'")}
    given = [said["receipt"] for said, _ in crowd.acknowledged.values()]
    assert len(set(given)) == len(given)
    assert set(given) <= pages


@pytest.mark.kill
def test_killed_under_load_every_acknowledged_record_is_in_the_ledger_once(crowd: Crowd) -> None:
    luck = random.Random(20261122)
    crowd.process = forked(crowd.world, crowd.url)
    crowd.run(SENDERS)
    for _ in range(KILLS):
        until_acknowledged(crowd, luck.randint(3, 30))
        time.sleep(luck.uniform(0, 0.05))  # where it is hit is the point of this test
        crowd.kill()
        crowd.process = forked(crowd.world, crowd.url)
    until_acknowledged(crowd, SENDERS * 2)
    crowd.end()
    crowd.kill()
    assert crowd.attempts > len(crowd.acknowledged) + crowd.again  # some had to be pushed again
    assert crowd.again > 0
    finish(crowd)


@pytest.mark.kill
def test_asked_to_stop_it_finishes_what_it_took(crowd: Crowd) -> None:
    crowd.process = forked(crowd.world, crowd.url)
    crowd.run(SENDERS)
    until_acknowledged(crowd, 4 * SENDERS)
    crowd.process.terminate()
    crowd.ended.set()
    crowd.process.join(60)
    assert crowd.process.exitcode == 0
    crowd.end()
    finish(crowd)
