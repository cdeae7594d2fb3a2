"""A kill at any instruction is harmless: a run that was killed again and again ends like one that never was."""

from __future__ import annotations

import multiprocessing
import random
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.bootstrap import initialise
from gateway.store import open_store
from tests.integration.store import killed
from tests.integration.store.portal_data import settings_of

KILLS = 8
QUERIES = {
    "cursor": "SELECT cursor_text FROM source_state",
    "pages": "SELECT origin, state, landed, stored, quarantined, duplicate, unrated FROM raw_page ORDER BY origin",
    "ledger": "SELECT kind, record_key, version, satisfaction FROM ledger_record ORDER BY kind, record_key",
    "positions": "SELECT COUNT(*), MIN(position), MAX(position) FROM ledger_record",
    "duplicates": "SELECT record_key, COUNT(*) FROM duplicate GROUP BY record_key ORDER BY record_key",
    "problems": "SELECT code, COUNT(*) FROM quarantine_problem GROUP BY code",
    "orders": "SELECT external_id, state, satisfaction FROM work_order ORDER BY external_id",
    "events": "SELECT order_id, seq, event FROM work_order_event ORDER BY order_id",
}


def totals(url: str) -> dict[str, Any]:
    store = open_store(url)
    with store.read() as transaction:
        found = {name: [tuple(row) for row in transaction.execute(text(query))] for name, query in QUERIES.items()}
    store.close()
    return found


def begin(url: str, folder: Path) -> multiprocessing.Process:
    """A process that has just begun to work."""
    fork = multiprocessing.get_context("fork")
    ready = fork.Event()
    process = fork.Process(target=killed.work, args=(url, folder, ready.set))
    process.start()
    assert ready.wait(60)
    return process  # type: ignore[return-value]


@pytest.mark.kill
def test_killed_at_random_moments_and_run_again(tmp_path: Path) -> None:
    calm, url = (f"sqlite:///{tmp_path / name}/gateway.db" for name in ("calm", "killed"))
    for address, folder in ((calm, tmp_path / "calm"), (url, tmp_path / "killed")):
        initialise(settings_of(address, folder))
    calm_run = begin(calm, tmp_path / "calm")
    began = time.monotonic()
    calm_run.join()
    lasts = time.monotonic() - began
    expected = totals(calm)
    assert expected["positions"] == [(killed.PAGES * 20, 1, killed.PAGES * 20)]
    assert len(expected["orders"]) == killed.PAGES * 4

    chance = random.Random(20261122)
    cut_short = 0
    for _ in range(KILLS):
        process = begin(url, tmp_path / "killed")
        time.sleep(chance.uniform(0, lasts / 3))
        process.kill()
        process.join()
        cut_short += process.exitcode != 0
    killed.work(url, tmp_path / "killed", lambda: None)
    assert cut_short > 0
    assert totals(url) == expected
