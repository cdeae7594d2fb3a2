"""Spans of the past, window by window, beside the running cursor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import connectors
from connectors.moments import SHANGHAI
from gateway.connector import Windowed
from gateway.errors import Rejected, Transient
from gateway.stages.backfill import backfill
from gateway.stages.context import Context
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from gateway.store import sources, windows
from tests.contract.database_rig import BY, DatabaseRig
from tests.contract.rigs import LOOPBACK, FilesRig, PortalRig, Rig
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


def found(rig: Rig, since: datetime, until: datetime, cursor: str | None = None) -> list[list[str]]:
    made = connectors.build(rig.source, rig.connection(), LOOPBACK)
    assert isinstance(made, Windowed)
    pages = [rig.ids(one) for one in made.within(since, until, cursor, None)]
    made.close()
    return pages


@pytest.mark.parametrize("by", ["time", "id", "flag"])
def test_a_table_is_read_by_its_time_whatever_a_pull_goes_by(tmp_path: Path, by: str) -> None:
    named = {} if by == "time" else {"paging": {**BY[by]["paging"], "backfill": "updated_at"}}
    rig = DatabaseRig(tmp_path, by=by, **named)
    rig.add(*({"id": f"r{number}", "updatedAt": changed(number), "text": "好"} for number in range(RECORDS)))
    rig.execute("UPDATE evaluation SET taken = '1' WHERE number % 2 = 0")
    before = rig.taken()
    assert [name for page in found(rig, FIRST + DAY, FIRST + 2 * DAY) for name in page] == [
        f"r{number}" for number in range(10, 20)
    ]
    assert rig.taken() == before
    rig.close()


@pytest.mark.parametrize("by", ["id", "flag"])
def test_a_table_without_a_time_can_not_be_asked_for_a_span(tmp_path: Path, by: str) -> None:
    with pytest.raises(Rejected, match=r"pull\.window_unsupported"):
        found(DatabaseRig(tmp_path, by=by), FIRST, FIRST + DAY)


@pytest.fixture
def dropped(context: Context, tmp_path: Path) -> FilesRig:
    """A folder with a file a day, of two pages each; it is what the context pulls from."""
    (tmp_path / "drop").mkdir()
    rig = FilesRig(tmp_path / "drop")
    for day in range(DAYS):
        rows = [record(number) for number in range(day * 4, day * 4 + 4)]
        rig.drop(f"kiosk_{day}.csv", [{**row, "text": "好"} for row in rows])
        when = (FIRST + DAY * day + timedelta(hours=3)).timestamp()
        os.utime(rig.outbox / f"kiosk_{day}.csv", (when, when))
    object.__setattr__(context, "build_connector", lambda _: connectors.build(rig.source, rig.connection(), LOOPBACK))
    return rig


def test_files_that_were_put_away_are_read_again_and_stay_where_they_are(context: Context, dropped: FilesRig) -> None:
    pull(context, SOURCE)
    held, archived = count(context), sorted(dropped.archive.iterdir())
    assert (held["raw_page"], len(archived)) == (2 * DAYS, 2 * DAYS)
    again = backfill(context, SOURCE, FIRST, FIRST + DAYS * DAY)
    assert (again.pages, again.repeated, again.left) == (0, 2 * DAYS, 0)
    assert count(context) | {"pull_window": 0} == held | {"pull_window": 0}
    assert sorted(dropped.archive.iterdir()) == archived


def test_files_of_the_span_are_taken_once_and_go_where_landed_files_go(context: Context, dropped: FilesRig) -> None:
    report = backfill(context, SOURCE, FIRST + DAY, FIRST + 3 * DAY)
    assert (report.windows, report.pages) == (2, 4)
    assert sorted(file.name for file in dropped.archive.glob("*.csv")) == ["kiosk_1.csv", "kiosk_2.csv"]
    assert pull(context, SOURCE).pages == 2 * DAYS - 4


def test_files_lost_to_a_restored_backup_come_from_the_archive_window_by_window(
    context: Context, dropped: FilesRig
) -> None:
    for file in dropped.outbox.iterdir():  # landed, once; the store knows nothing of it any more
        file.rename(dropped.archive / file.name)
    source = connectors.build(dropped.source, dropped.connection(), LOOPBACK)
    assert isinstance(source, Windowed)
    first, *_ = source.within(FIRST, FIRST + 2 * DAY, None, None)
    source.close()
    assert len(found(dropped, FIRST, FIRST + 2 * DAY, first.cursor)) == 4  # the file that it stands in, and on
    report = backfill(context, SOURCE, FIRST, FIRST + DAYS * DAY)
    assert (report.windows, report.pages, pull(context, SOURCE).pages) == (DAYS, 2 * DAYS, 0)


def test_a_second_version_keeps_its_name_in_the_archive(context: Context, dropped: FilesRig) -> None:
    pull(context, SOURCE)
    dropped.drop("kiosk_0.csv", [{**record(99), "text": "好"}])
    when = (FIRST + timedelta(hours=5)).timestamp()
    os.utime(dropped.outbox / "kiosk_0.csv", (when, when))
    pull(context, SOURCE)
    assert backfill(context, SOURCE, FIRST, FIRST + DAY).pages == 0
