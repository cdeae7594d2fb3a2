"""Dispatch against a strict double over real HTTP: one order each at 12345, whatever happens to the answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from gateway.domain.order import State
from gateway.errors import Rejected
from gateway.net.soap import Outcome
from gateway.stages.dispatch import DispatchReport, dispatch
from gateway.stages.hotline_target import open_hotline
from gateway.stages.order_acts import correct_order
from gateway.store import order_views, orders
from tests.integration.hotline.double import Double, cut, html_502
from tests.integration.hotline.world import SECRETS, World, make_world, seed


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as server:
        yield server


@pytest.fixture
def world(tmp_path: Path, double: Double) -> World:
    return make_world(tmp_path, double.url)


def events(world: World) -> list[object]:
    return [row[0] for row in world.rows("SELECT event FROM work_order_event ORDER BY order_id, seq")]


def test_orders_are_created_with_what_the_evaluator_said(world: World, double: Double) -> None:
    (one, *_others) = seed(world, 3)
    report = dispatch(world.context)
    assert report == DispatchReport(due=3, dispatched=3)
    order = world.order(one)
    assert (order.state, order.remote_no) == (State.PENDING_SIGN_FOR, double.orders[one]["orderNo"])
    sent = double.orders[one]
    assert (sent["contactName"], sent["contactMobile"], sent["content"]) == SECRETS
    assert sent["ratingTime"] == "2026-11-20T08:30:00+08:00"
    assert (sent["indicators"], sent["satisfaction"], sent["deptName"]) == ("101,103", "1", "广安区医保局")
    assert dispatch(world.context) == DispatchReport()


def test_personal_data_stays_out_of_events_orders_and_reports(
    world: World, double: Double, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    structlog.reset_defaults()  # a command run in this process may have silenced the log
    seed(world, 4)
    double.refuse = lambda order: (
        f"{order['contactName']} {order['contactMobile']} 资料不全" if len(double.creates) < 2 else None
    )
    double.before["createOrder"] = [html_502]
    report = dispatch(world.context)
    assert (report.refused, report.unknown, report.dispatched) == (1, 1, 2)
    kept = f"{world.rows('SELECT * FROM work_order')}{world.rows('SELECT * FROM work_order_event')}{report}"
    said = kept + caplog.text + "".join(capsys.readouterr())
    assert "dispatch.called" in said
    assert not [secret for secret in SECRETS if secret in said]


def test_a_number_that_no_column_holds_is_not_kept_and_stops_nobody(world: World, double: Double) -> None:
    seed(world, 2)
    genuine = double.createOrder
    double.createOrder = lambda order: genuine(order).replace("GD000001", "GD" + "0" * 100)  # type: ignore[method-assign]
    report = dispatch(world.context)
    assert (report.unknown, report.dispatched) == (1, 1)
    assert [order.remote_no for order in world.orders()].count(None) == 1


@pytest.mark.parametrize("fault", [html_502, cut])
def test_an_answer_lost_after_the_effect_is_asked_for_not_repeated(world: World, double: Double, fault: object) -> None:
    (one,) = seed(world, 1)
    double.after["createOrder"] = [fault]  # type: ignore[list-item]
    assert dispatch(world.context).unknown == 1
    order = world.order(one)
    assert order.state is State.DISPATCHING_UNKNOWN
    assert order.error_code in ("soap.status", "soap.no_answer")
    assert dispatch(world.context).due == 0, "not asked before its time"
    world.clock.forward(3600)
    assert dispatch(world.context).dispatched == 1
    assert world.order(one).error_code is None
    assert (double.creates[one], double.calls) == (1, ["createOrder", "queryOrder"])


def test_a_call_without_effect_is_repeated_after_two_not_found_some_time_apart(world: World, double: Double) -> None:
    (one,) = seed(world, 1)
    double.before["createOrder"] = [cut]
    dispatch(world.context)
    world.clock.forward(60)
    assert dispatch(world.context).not_found == 1
    world.clock.forward(59)
    assert dispatch(world.context).due == 0
    world.clock.forward(1)
    assert dispatch(world.context).dispatched == 1
    assert double.calls == ["createOrder", "queryOrder", "queryOrder", "createOrder"]
    assert double.creates == {one: 1}


def test_a_query_without_answer_decides_nothing(world: World, double: Double) -> None:
    seed(world, 1)
    double.before["createOrder"] = [cut]
    double.before["queryOrder"] = [html_502]
    dispatch(world.context)
    for _ in range(6):
        world.clock.forward(6 * 3600)
        dispatch(world.context)
    assert double.calls == ["createOrder", "queryOrder", "queryOrder", "queryOrder", "createOrder"]


def test_a_duplicate_is_adopted(world: World, double: Double) -> None:
    (one,) = seed(world, 1)
    double.orders[one] = {
        "orderNo": "GD9",
        "externalId": one,
        "status": "待受理",
        "updatedAt": "2026-11-20T09:00:00+08:00",
    }
    assert dispatch(world.context) == DispatchReport(due=1, dispatched=1, duplicates=1)
    assert world.order(one).remote_no == "GD9"


def test_a_refusal_waits_longer_each_time(world: World, double: Double) -> None:
    (one,) = seed(world, 1)
    double.refuse = lambda _order: "资料不全"
    waits = []
    for _ in range(3):
        assert dispatch(world.context).refused == 1
        order = world.order(one)
        assert (order.state, order.error_code) == (State.PENDING_DISPATCH, "hotline.refused")
        assert order.next_attempt_at is not None
        waits.append((order.next_attempt_at - world.clock().replace(tzinfo=None)).total_seconds())
        assert dispatch(world.context).due == 0
        world.clock.forward(waits[-1])
    assert waits == [60, 120, 240]


def test_an_unknown_unit_goes_to_a_person(world: World, double: Double) -> None:
    (one,) = seed(world, 1)
    double.refuse = lambda _order: "承办单位编码错误"
    assert dispatch(world.context).corrections == 1
    assert world.order(one).state is State.PENDING_CORRECTION
    assert world.order(one).error_code == "hotline.unit_unknown"
    world.clock.forward(86400)
    assert dispatch(world.context).due == 0
    assert events(world) == ["negative_received", "dispatch_start", "dispatch_refused", "correction_needed"]


def test_a_silent_hotline_is_left_alone_after_three_calls(world: World, double: Double) -> None:
    seed(world, 10)
    double.before["createOrder"] = [html_502] * 10
    report = dispatch(world.context)
    assert (report.due, report.unknown, report.stopped) == (10, 3, "soap.status")
    assert len(double.calls) == 3


def test_a_wrong_token_stops_at_once_and_nothing_is_lost(tmp_path: Path, double: Double) -> None:
    world = make_world(tmp_path, double.url)
    ids = seed(world, 5)
    right = world.context.settings.connections["hotline"]
    wrong = right.model_copy(update={"password": type(right.password)("old")})
    world.context.settings.connections["hotline"] = wrong
    report = dispatch(world.context)
    assert (report.refused, report.stopped) == (1, "soap.unauthorised")
    world.context.settings.connections["hotline"] = right
    world.clock.forward(60)
    assert dispatch(world.context).dispatched == 5
    assert sorted(double.orders) == ids


def test_dispatchers_at_once_never_call_for_the_same_order(store_url: str, tmp_path: Path, double: Double) -> None:
    ids = seed(make_world(tmp_path, double.url, store_url), 30)
    reports: list[DispatchReport] = []
    start = threading.Barrier(3)

    def run() -> None:
        world = make_world(tmp_path, double.url, store_url)
        start.wait()
        reports.append(dispatch(world.context))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(report.dispatched for report in reports) == 30
    assert double.creates == dict.fromkeys(ids, 1)


def test_a_dispatcher_that_lost_its_lease_can_not_overwrite_its_successor(world: World, double: Double) -> None:
    (one,) = seed(world, 1)
    successor: list[DispatchReport] = []

    def meanwhile(_handler: object, _operation: str) -> bool:
        world.clock.forward(3600)  # the first dispatcher sleeps through its lease while its call is under way
        double.lock.release()
        successor.append(dispatch(world.context))
        world.clock.forward(60)
        successor.append(dispatch(world.context))
        double.lock.acquire()
        return False

    double.after["createOrder"] = [meanwhile]
    first = dispatch(world.context)
    assert first.skipped == 1
    assert sum(report.dispatched for report in successor) == 1
    assert (world.order(one).state, double.creates[one]) == (State.PENDING_SIGN_FOR, 1)


def test_views_show_who_acts_next_and_what_is_overdue(world: World, double: Double) -> None:
    (one, *_rest) = seed(world, 3)
    dispatch(world.context)
    now = world.clock().replace(tzinfo=None)
    with world.store.read() as transaction:
        listed = order_views.list_orders(transaction, now, state="15", area_prefix="5116")
        assert [(view.state_name, view.next_actor, view.overdue) for view in listed] == [
            ("待签收", "unit_handler", False)
        ] * 3
        assert order_views.list_orders(transaction, now, overdue=True) == []
        late = listed[0].due_at.replace(year=2027)
        assert len(order_views.list_orders(transaction, late, overdue=True)) == 3
        (count,) = order_views.count_by_state(transaction, late)
        assert (count.state, count.orders, count.overdue) == ("15", 3, 3)
        order = orders.by_external_ids(transaction, [one])[one]
        for key in (order.order_id, one, order.remote_no or ""):
            shown = order_views.show_order(transaction, key, now)
            assert shown is not None
            assert [line.event for line in shown[1]] == ["negative_received", "dispatch_start", "dispatch_confirmed"]
        assert order_views.show_order(transaction, "none", now) is None


def test_an_order_can_be_urged(world: World, double: Double) -> None:
    (one,) = seed(world, 1)
    dispatch(world.context)
    number = world.order(one).remote_no or ""
    assert open_hotline(world.context).update(number, "催办", "临近期限").outcome is Outcome.SUCCESS
    assert double.updates == [{"orderNo": number, "action": "催办", "note": "临近期限"}]


def test_an_order_without_a_unit_is_corrected_by_a_person_and_dispatched_once(world: World, double: Double) -> None:
    (one,) = seed(world, 1, dept_code=None)
    assert dispatch(world.context).due == 0
    with pytest.raises(Rejected, match=r"order\.dept_missing"):
        correct_order(world.context, one, "派单员", "补责任单位")
    corrected = correct_order(world.context, one, "派单员", "补责任单位", "11511602MB1A23456X")
    assert corrected.state is State.PENDING_DISPATCH
    assert dispatch(world.context).dispatched == 1
    assert (double.creates[one], double.orders[one]["deptCode"]) == (1, "11511602MB1A23456X")
    with pytest.raises(Rejected, match=r"order\.not_correctable"):
        correct_order(world.context, one, "派单员", "再补", "11511602MB1A23456X")
    assert world.rows("SELECT actor, act, object_id FROM audit_event") == [("派单员", "order.correct", one)]
