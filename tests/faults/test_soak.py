"""A small soak, and a backfill that is killed at its crash points."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.bootstrap import initialise
from gateway.store import open_store, windows
from tests.faults.forked import KILLED
from tests.faults.soak import LAST, Campaign, fill, serve_portal
from tests.forkserver import SERVER
from tests.integration.store.portal_data import SOURCE, settings_of

DAYS = 3


@pytest.mark.kill
def test_ten_interruptions_cost_nothing(store_url: str, tmp_path: Path) -> None:
    found = Campaign(store_url, tmp_path, 12_000, seed=5, rest=0).run()
    assert sum(found.events.values()) == 10
    assert {name: count for name, count in found.violations.items() if count} == {}


@pytest.mark.kill
def test_a_backfill_killed_at_its_crash_points_goes_on(store_url: str, tmp_path: Path) -> None:
    initialise(settings_of(store_url, tmp_path))
    ours, theirs = SERVER.Pipe()
    portal = SERVER.Process(target=serve_portal, args=(DAYS * 8640, theirs))
    portal.start()
    port = ours.recv()
    codes = []
    for point in ("backfill.laid", "pull.landed:2", "backfill.finished", ""):
        worker = SERVER.Process(target=fill, args=(store_url, tmp_path, port, DAYS, point))
        worker.start()
        worker.join()
        codes.append(worker.exitcode)
    ours.send("enough")
    portal.join()
    assert codes == [KILLED, KILLED, KILLED, 0]
    store = open_store(store_url)
    with store.read() as transaction:
        done = windows.windows(transaction, SOURCE, windows.DONE)
    store.close()
    assert [window.until - window.since for window in done] == [timedelta(days=1)] * DAYS
    assert done[-1].until > LAST
