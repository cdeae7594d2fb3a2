"""Spans of the past, window by window, beside the running cursor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import connectors
from connectors.moments import SHANGHAI
from gateway.errors import Rejected, Transient
from gateway.stages.backfill import backfill
from gateway.stages.context import Context
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from gateway.store import sources, windows
from tests.contract.database_rig import DatabaseRig
from tests.contract.rigs import LOOPBACK, PortalRig
from tests.integration.store.portal_data import SOURCE, Served, context_of, page, record, serve
from tests.integration.webs.test_pull_again import count

DAY = timedelta(days=1)
FIRST = datetime(2026, 11, 10, tzinfo=SHANGHAI)
RECORDS, DAYS = 60, 6  # ten a day


def changed(number: int) -> str:
    return (FIRST + DAY * (number // 10) + timedelta(hours=number % 10)).strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture
def rig() -> Iterator[PortalRig]:
    made = PortalRig()
    made.add(*({**record(number), "updatedAt": changed(number)} for number in range(RECORDS)))
    yield made
    made.close()


@pytest.fixture
def context(store_url: str, tmp_path: Path, rig: PortalRig) -> Iterator[Context]:
    made = context_of(store_url, tmp_path / "var")
    portal = made.source(SOURCE)
    source = portal.model_copy(
        update={"options": {**portal.options, "paging": {**portal.options["paging"], "size": 4}}}
    )
    object.__setattr__(made, "build_connector", lambda _: connectors.build(source, rig.connection(), LOOPBACK))
    yield made
    made.store.close()


def cursor_of(context: Context) -> str | None:
    with context.store.read() as transaction:
        state = sources.state(transaction, SOURCE)
    return state and state.cursor


def ledger_of(context: Context) -> int:
    normalise(context, SOURCE)
    return count(context)["ledger_record"]


def test_a_span_is_filled_without_moving_the_running_cursor(context: Context) -> None:
    report = backfill(context, SOURCE, FIRST + DAY, FIRST + 3 * DAY)
    assert (report.windows, report.left, report.stopped) == (2, 0, None)
    assert ledger_of(context) >= 2 * 20  # a page may reach beyond its window
    assert cursor_of(context) is None
    pull(context, SOURCE)
    held = cursor_of(context)
    assert ledger_of(context) == 2 * RECORDS
    backfill(context, SOURCE, FIRST, FIRST + DAYS * DAY)
    assert cursor_of(context) == held
    assert ledger_of(context) == 2 * RECORDS


def test_it_goes_on_with_what_is_open_and_asks_no_closed_window_again(context: Context, rig: PortalRig) -> None:
    rig.spoil("cut", after=8)
    with pytest.raises(Transient):
        backfill(context, SOURCE, FIRST, FIRST + DAYS * DAY)
    with context.store.read() as transaction:
        done = windows.windows(transaction, SOURCE, windows.DONE)
    assert 0 < len(done) < DAYS
    rig.spoil(None)
    before = count(context)["raw_page"]
    report = backfill(context, SOURCE, FIRST, FIRST + DAYS * DAY)
    assert (report.windows, report.left) == (DAYS - len(done), 0)
    assert count(context)["raw_page"] == before + report.pages
    assert ledger_of(context) == 2 * RECORDS
    asked = rig.data_requests
    assert backfill(context, SOURCE, FIRST, FIRST + DAYS * DAY).windows == 0
    assert rig.data_requests == asked


def test_a_loaded_span_filled_again_writes_no_row(context: Context) -> None:
    backfill(context, SOURCE, FIRST, FIRST + DAYS * DAY)
    normalise(context, SOURCE)
    held = count(context)
    report = backfill(context, SOURCE, FIRST, FIRST + DAYS * DAY, again=True)
    normalise(context, SOURCE)
    assert (report.windows, report.pages) == (DAYS, 0)
    assert report.repeated > 0
    assert count(context) == held


def test_another_worker_that_moved_the_window_wins(context: Context) -> None:
    now = context.clock()
    with context.store.begin() as transaction:
        windows.lay(transaction, SOURCE, [(FIRST, FIRST + DAY)], now)
        (window,) = windows.windows(transaction, SOURCE)
        windows.finish(transaction, window, now)
    with pytest.raises(Transient, match=r"pull\.overtaken"), context.store.begin() as transaction:
        windows.finish(transaction, window, now)


def test_what_names_no_time_is_refused_and_leaves_nothing(context: Context) -> None:
    serve(context, Served([page([record(1)])]))
    with pytest.raises(Rejected, match=r"pull\.window_unsupported"):
        backfill(context, SOURCE, FIRST, FIRST + DAY)
    with context.store.read() as transaction:
        assert windows.windows(transaction, SOURCE) == []
        state = sources.state(transaction, SOURCE)
    assert state is not None
    assert state.failures == 0
    with pytest.raises(Rejected, match=r"pull\.window_span"):
        backfill(context, SOURCE, FIRST, FIRST)


def test_a_table_is_read_by_its_time_and_only_by_that(tmp_path: Path) -> None:
    rig = DatabaseRig(tmp_path)
    rig.add(*({"id": f"r{number}", "updatedAt": changed(number), "text": "好"} for number in range(RECORDS)))
    made = connectors.build(rig.source, rig.connection(), LOOPBACK)
    found = [name for one in made.within(FIRST + DAY, FIRST + 2 * DAY, None, None) for name in rig.ids(one)]  # type: ignore[attr-defined]
    made.close()
    assert found == [f"r{number}" for number in range(10, 20)]
    numbered = DatabaseRig(tmp_path, by="id")
    made = connectors.build(numbered.source, numbered.connection(), LOOPBACK)
    with pytest.raises(Rejected, match=r"pull\.window_unsupported"):
        next(iter(made.within(FIRST, FIRST + DAY, None, None)))  # type: ignore[attr-defined]
    made.close()
