"""Who may ask a source now, and what is kept and told of how it goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from gateway.domain.pause import FIRST, OPENS_AFTER
from gateway.errors import Bug, Transient
from gateway.reports.status import gateway_status
from gateway.stages import source_line
from gateway.stages.context import Context
from gateway.stages.pull import PullReport, pull, resume_source
from gateway.store import Store, shares, sources
from schemas.flow import Maintenance
from tests.integration.store.portal_data import NOON, SOURCE, Clock, Served, context_of, page, record, serve

LOST = Transient("net.cut", address="portal")


@pytest.fixture
def context(store_url: str, tmp_path: Path) -> Iterator[Context]:
    made = context_of(store_url, tmp_path / "var")
    yield made
    made.store.close()


def agreed(context: Context, **agreement: Any) -> None:
    """The source's file says so."""
    source = context.source(SOURCE).model_copy(update=agreement)
    object.__setattr__(context, "sources", {**context.sources, SOURCE: source})


def clock_of(context: Context) -> Clock:
    assert isinstance(context.clock, Clock)
    return context.clock


def fails(context: Context, failure: Exception = LOST, after: int = 0) -> None:
    serve(context, Served([page([record(n)], f"p{n}", str(n)) for n in range(3)], after, failure))
    with pytest.raises((Transient, Bug, RuntimeError)):
        pull(context, SOURCE)


def works(context: Context) -> PullReport:
    serve(context, Served([page([record(9)])]))
    return pull(context, SOURCE)


def state_of(context: Context) -> sources.SourceState:
    with context.store.read() as transaction:
        found = sources.state(transaction, SOURCE)
    assert found is not None
    return found


def told(context: Context) -> Any:
    lines = gateway_status(context.store, context.sources, context.clock()).sources
    return next(line for line in lines if line.source_id == SOURCE)


@pytest.fixture
def plain_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A logger keeps the configuration of its first word, and earlier tests of the command line have set one."""
    before = structlog.get_config()
    structlog.reset_defaults()
    monkeypatch.setattr(source_line, "log", structlog.get_logger())
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("plain_log")
def test_a_loss_is_logged_once_and_the_return_once(context: Context) -> None:
    with capture_logs() as logs:
        works(context)
        for _ in range(3):
            fails(context)
        lost = told(context)
        works(context)
        works(context)
    assert [line["event"] for line in logs] == ["source.lost", "source.back"]
    assert lost.state == "failing"
    assert lost.lost_since is not None
    now = told(context)
    assert (now.state, now.lost_since) == ("ok", None)
    assert now.back_at > lost.lost_since


def test_a_source_that_keeps_failing_is_left_alone_and_then_tried_once(context: Context) -> None:
    for _ in range(OPENS_AFTER):
        fails(context)
    served = serve(context, Served([page([record(1)])]))
    report = pull(context, SOURCE)
    assert (report.stopped, report.for_a_person) == ("source.paused", False)
    assert served.asked == []
    assert told(context).state == "open"
    assert "net.cut" in told(context).error_text["en"]
    clock_of(context).now += FIRST
    fails(context)  # the probe; one more failure doubles the pause
    assert pull(context, SOURCE).stopped == "source.paused"
    clock_of(context).now += 2 * FIRST
    assert works(context).stopped is None
    assert state_of(context).failures == 0


def test_a_pull_that_got_somewhere_opens_no_breaker(context: Context) -> None:
    for _ in range(OPENS_AFTER + 2):
        fails(context, after=2)
    assert state_of(context).failures == OPENS_AFTER + 2
    assert state_of(context).paused_until is None


def test_the_sources_own_word_holds_for_every_worker_until_a_person_lifts_it(context: Context) -> None:
    fails(context, Transient("net.throttled", retry_after=3600.0, address="portal", status=429))
    assert pull(context, SOURCE).stopped == "source.paused"
    assert resume_source(context, SOURCE, "tester", "the county called")
    assert works(context).stopped is None


def test_in_maintenance_nothing_is_asked_and_nothing_is_wrong(context: Context) -> None:
    agreed(context, maintenance=[Maintenance(hours="11:00-13:00")])  # it is noon
    served = serve(context, Served([page([record(1)])]))
    assert pull(context, SOURCE).stopped == "source.maintenance"
    assert served.asked == []
    now = gateway_status(context.store, context.sources, context.clock())
    assert told(context).state == "maintenance"
    assert told(context).paused_until == NOON + timedelta(hours=1)
    assert not now.trouble


def test_a_pull_ends_where_maintenance_begins_and_goes_on_from_there(context: Context) -> None:
    agreed(context, maintenance=[Maintenance(hours="12:00-12:30")])
    clock_of(context).now = NOON - timedelta(seconds=4)
    serve(context, Served([page([record(n)], f"p{n}", str(n)) for n in range(40)]))
    report = pull(context, SOURCE)
    assert report.stopped == "source.maintenance"
    assert 0 < report.pages < 40
    assert state_of(context).cursor == str(report.pages - 1)
    assert state_of(context).failing_since is None


def test_as_many_pulls_as_declared_and_a_dead_ones_place_lapses(context: Context) -> None:
    agreed(context, parallel=1)
    now = int(clock_of(context).now.timestamp() * 1000)
    connection = context.source(SOURCE).connection
    with context.store.begin() as transaction:  # a worker that was killed
        assert shares.take_slot(transaction, connection, 1, "dead", now, 60) == 0
    assert works(context).stopped == "source.busy"
    clock_of(context).now += timedelta(seconds=60)
    assert works(context).stopped is None
    assert works(context).stopped is None  # the place was given back


def test_turns_are_spread_over_all_that_ask(store: Store) -> None:
    waits = []
    for _ in range(5):
        with store.begin() as transaction:
            waits.append(shares.take_turn(transaction, "portal", 1000.0, 0.5, 2))
    assert waits == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.5])
    with store.begin() as transaction:
        assert shares.take_turn(transaction, "other", 1000.0, 0.5, 1) == 0.0
        assert shares.take_turn(transaction, "portal", 2000.0, 0.5, 1) == 0.0  # rested
