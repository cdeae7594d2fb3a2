"""Track: what 12345 reports is applied once, in order, and closed orders become rectifications in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.order import State
from gateway.domain.wire import attributes
from gateway.errors import Transient
from gateway.stages import hotline_target
from gateway.stages.dispatch import dispatch
from gateway.stages.track import TrackReport, track
from tests.integration.hotline.double import Double, cut, html_502
from tests.integration.hotline.world import START, World, make_world, seed

ANSWER = {
    "handler": "李科长",
    "verifyResult": "属实",
    "reply": "已增派窗口人员,致电张小三致歉",
    "replyTime": "2026-11-21T10:00:00+08:00",
}
REVISIT = {"revisit": "满意", "revisitTime": "2026-11-22T10:00:00+08:00"}


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as server:
        yield server


@pytest.fixture
def world(tmp_path: Path, double: Double, request: pytest.FixtureRequest) -> World:
    database = request.getfixturevalue("store_url") if "store_url" in request.fixturenames else ""
    world = make_world(tmp_path, double.url, database)
    seed(world, 3)
    dispatch(world.context)
    for external_id in double.orders:
        double.change(external_id, "待受理", START)
    return world


def rectifications(world: World) -> list[tuple[object, ...]]:
    query = "SELECT record_key, parent_key, version, content FROM ledger_record WHERE kind = 'rectification'"
    return world.rows(f"{query} ORDER BY position")


def news(world: World, double: Double, status: str, after: timedelta, **fields: str) -> None:
    """The first order changed ``after`` the start, and that is now."""
    world.clock.at = START + after
    double.change(one_of(double), status, world.clock.at, **fields)


def one_of(double: Double) -> str:
    return min(double.orders)


def test_statuses_move_orders_even_past_states(world: World, double: Double) -> None:
    one = one_of(double)
    assert track(world.context) == TrackReport(listed=3, noted=3)
    assert track(world.context) == TrackReport(listed=3, unchanged=3)
    news(world, double, "已处置", timedelta(hours=1), **ANSWER)
    assert track(world.context).applied == 1
    order = world.order(one)
    assert (order.state, order.remote_status) == (State.REPLY_UNDER_REVIEW, "已处置")
    assert order.reply is not None
    assert "增派".encode() not in order.reply
    news(world, double, "待结案", timedelta(hours=2), revisit="不满意", revisitTime="")
    track(world.context)
    assert world.order(one).state is State.REWORK_REQUIRED
    news(world, double, "已派遣", timedelta(hours=3))
    track(world.context)
    assert world.order(one).state is State.PENDING_SIGN_FOR


def test_older_news_is_not_applied(world: World, double: Double) -> None:
    one = one_of(double)
    news(world, double, "待处置", timedelta(hours=2))
    track(world.context)
    double.change(one, "待派遣", START + timedelta(hours=1, minutes=50))
    report = track(world.context)
    assert (report.stale, report.applied, world.order(one).state) == (1, 0, State.HANDLING)


def test_an_unmapped_status_is_kept_and_reported(world: World, double: Double) -> None:
    one = one_of(double)
    news(world, double, "待补充", timedelta(hours=1))
    assert track(world.context).unmapped == 1
    order = world.order(one)
    assert (order.state, order.remote_status, order.error_code) == (
        State.PENDING_SIGN_FOR,
        "待补充",
        "hotline.status_unmapped",
    )
    news(world, double, "待处置", timedelta(hours=2))
    track(world.context)
    assert (world.order(one).state, world.order(one).error_code) == (State.HANDLING, None)


@pytest.mark.usefixtures("store_url")
def test_a_closed_order_becomes_one_rectification(world: World, double: Double) -> None:
    one = one_of(double)
    news(world, double, "已结案", timedelta(days=2), **ANSWER, **REVISIT)
    assert track(world.context).rectifications == 1
    ((key, parent, version, content),) = rectifications(world)
    order = world.order(one)
    assert (order.state, key, parent, version) == (State.ARCHIVED, f"{order.evaluation_key}#1", order.evaluation_key, 1)
    said = attributes("rectification", str(content))
    assert said["work_order_no"] == double.orders[one]["orderNo"]
    assert (said["status"], said["verify_result"], said["revisit_outcome"]) == ("90", "true", "satisfied")
    assert (said["feedback_time"], said["dept_name"]) == ("2026-11-21 10:00:00", "广安区医保局")
    assert "rectification" not in said, "the answer may name persons and rests sealed"
    news(world, double, "已结案", timedelta(days=2, hours=1))
    assert track(world.context) == TrackReport(listed=1, noted=1)
    assert len(rectifications(world)) == 1


def test_closed_without_an_answer_is_reported_and_made_good_later(world: World, double: Double) -> None:
    one = one_of(double)
    news(world, double, "已结案", timedelta(hours=1))
    assert track(world.context).incomplete == 1
    order = world.order(one)
    assert (order.state, order.error_code) == (State.ARCHIVED, "rectification.close_incomplete")
    assert rectifications(world) == []
    news(world, double, "已结案", timedelta(hours=2), **ANSWER)
    assert track(world.context).rectifications == 1
    assert world.order(one).error_code is None


def test_an_archived_order_does_not_reopen_by_itself(world: World, double: Double) -> None:
    one = one_of(double)
    news(world, double, "已结案", timedelta(hours=1), **ANSWER)
    track(world.context)
    news(world, double, "待处置", timedelta(hours=2))
    assert track(world.context).conflicts == 1
    assert (world.order(one).state, world.order(one).error_code) == (State.ARCHIVED, "hotline.status_conflict")


def test_orders_that_were_never_confirmed_are_adopted(tmp_path: Path, double: Double) -> None:
    world = make_world(tmp_path, double.url)
    (one,) = seed(world, 1)
    double.after["createOrder"] = [cut]
    dispatch(world.context)
    double.change(one, "待处置", START + timedelta(minutes=5))
    world.clock.forward(600)
    assert track(world.context) == TrackReport(listed=1, adopted=1, applied=1)
    assert (world.order(one).state, world.order(one).remote_no) == (State.HANDLING, double.orders[one]["orderNo"])
    world.clock.forward(86400)
    assert dispatch(world.context).due == 0


def test_foreign_and_unreadable_orders_are_counted(world: World, double: Double) -> None:
    double.orders["OTHER-1"] = {**double.orders[one_of(double)], "externalId": "OTHER-1"}
    double.orders["OTHER-2"] = {**double.orders[one_of(double)], "orderNo": ""}
    report = track(world.context)
    assert (report.listed, report.foreign, report.unreadable) == (5, 1, 1)


def test_an_unreachable_hotline_moves_no_cursor(world: World, double: Double) -> None:
    double.before["listOrders"] = [html_502]
    with pytest.raises(Transient):
        track(world.context)
    assert world.rows("SELECT source_id FROM source_state") == []
    assert track(world.context).listed == 3
    ((cursor,),) = world.rows("SELECT source_id FROM source_state")
    assert cursor == "track:hotline"


def test_the_window_overlaps_what_was_read(world: World, double: Double) -> None:
    track(world.context)
    world.clock.forward(86400)
    track(world.context)
    double.change(one_of(double), "待处置", START + timedelta(days=1, minutes=-20))  # became visible late
    world.clock.forward(600)
    assert track(world.context).applied == 1


def test_many_pages(tmp_path: Path, double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(tmp_path, double.url)
    ids = seed(world, 25)
    dispatch(world.context)
    for number, external_id in enumerate(ids):
        double.change(external_id, "待处置", START + timedelta(seconds=number))
    load = hotline_target.load_profile
    monkeypatch.setattr(hotline_target, "load_profile", lambda file: load(file).model_copy(update={"page_size": 10}))

    def leaves_the_window(_handler: object, _operation: str) -> bool:
        double.orders[ids[0]]["updatedAt"] = (START + timedelta(days=9)).isoformat()
        return False

    double.after["listOrders"] = [leaves_the_window]
    assert track(world.context).applied == 24
    world.clock.forward(10 * 86400)
    assert track(world.context).applied == 1
