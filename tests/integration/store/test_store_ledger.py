"""The ledger's rules: late, duplicate, corrected; positions; orders; what rests in it is sealed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from sqlalchemy import select, text

from gateway.errors import Bug
from gateway.mapping.entry import prepare
from gateway.mapping.outcome import CanonicalRecord
from gateway.store import Store, ledger, settlement
from gateway.store.bulk import insert
from gateway.store.ledger import SourceRecord
from gateway.store.tables import duplicate, ledger_record, work_order, work_order_event

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
RECEIVED = NOON.replace(tzinfo=None)
AREA = "511602000000"


def seal(purpose: str, row_id: str, plain: bytes) -> bytes:
    return f"{purpose}|{row_id}|".encode() + plain[::-1]


def service(key: str = "P1#1", **content: Any) -> CanonicalRecord:
    personal = {"user_name": "王小明"}
    content = {"project_no": key, **content}
    return CanonicalRecord("service", key, None, content, personal, RECEIVED, AREA, "D1", None, None, None, None)


def evaluation(satisfaction: int = 5, key: str = "P1#1#1", dept: str | None = "D1", **content: Any) -> CanonicalRecord:
    content = {"satisfaction": str(satisfaction), **content}
    parent = key.rsplit("#", 1)[0]
    return CanonicalRecord(
        "evaluation", key, parent, content, {}, RECEIVED, AREA, dept, None, satisfaction, "1", "active"
    )


def said(
    *records: CanonicalRecord, index: int = 0, page: str = "p1", source: str = "s1", corrects: bool = False
) -> SourceRecord:
    return SourceRecord(source, page, index, RECEIVED, [prepare(record) for record in records], corrects)


def put(store: Store, *items: SourceRecord) -> settlement.Settled:
    with store.begin() as transaction:
        return settlement.settle(transaction, items, seal, NOON, AREA)


def held(store: Store, *columns: str) -> list[tuple[Any, ...]]:
    with store.read() as transaction:
        chosen = select(*(ledger_record.c[name] for name in columns)).order_by(ledger_record.c.position)
        return [tuple(row) for row in transaction.execute(chosen)]


def test_content_rests_as_text(store: Store) -> None:
    put(store, said(service(task_name="个体工商户信息确认")))
    ((content,),) = held(store, "content")
    assert isinstance(content, str)
    assert "个体工商户信息确认" in content
    with store.read() as transaction:
        found = transaction.execute(select(ledger_record.c.position).where(ledger_record.c.content.like("%工商户%")))
        assert found.scalars().all() == [1]


def test_a_new_record_is_stored_with_rising_positions_and_its_personal_data_sealed(store: Store) -> None:
    settled = put(store, said(service(), evaluation()), said(service("P2#1"), index=1))
    assert settled.stored == {"p1": 2}
    assert held(store, "position", "kind", "record_key", "version", "page_index") == [
        (1, "service", "P1#1", 1, 0),
        (2, "evaluation", "P1#1#1", 1, 0),
        (3, "service", "P2#1", 1, 1),
    ]
    (content, personal), (_, nothing), _ = held(store, "content", "personal")
    assert orjson.loads(content) == {"projectNo": "P1#1"}
    assert personal == seal("personal", "service:P1#1:1", ',"userName":"王小明"\n'.encode())
    assert nothing is None


def test_the_same_again_is_a_duplicate_of_a_named_record(store: Store) -> None:
    put(store, said(service(), evaluation()))
    settled = put(store, said(service(), evaluation(), index=7, page="p2"))
    assert (settled.stored, settled.duplicate) == ({}, {"p2": 1})
    assert len(held(store, "position")) == 2
    with store.read() as transaction:
        row = transaction.execute(select(duplicate)).one()
    assert (row.page_id, row.page_index, row.record_key, row.first_position) == ("p2", 7, "P1#1#1", 2)


def test_a_repeat_within_one_chunk_is_seen(store: Store) -> None:
    settled = put(store, said(service()), said(service(), index=1), said(service(), evaluation(), index=2))
    assert settled.stored == {"p1": 2}  # the third brings an evaluation
    assert settled.duplicates == {("p1", 1)}
    assert [row[0] for row in held(store, "record_key")] == ["P1#1", "P1#1#1"]


def test_other_content_without_the_mark_of_a_correction_is_a_conflict(store: Store) -> None:
    put(store, said(service(), evaluation(5)))
    settled = put(store, said(service(), evaluation(1), index=3, page="p2"))
    (problem,) = settled.conflicts[("p2", 3)]
    assert (problem.code, problem.severity, problem.remedy) == ("record.conflict", "E", "2")
    assert held(store, "satisfaction")[1:] == [(5,)]
    assert settled.orders == 0


def test_nothing_of_a_conflicting_record_is_stored(store: Store) -> None:
    put(store, said(service(project_name="a")))
    put(store, said(service(project_name="b"), evaluation(), page="p2"))
    assert [row[0] for row in held(store, "kind")] == ["service"]


def test_a_marked_correction_is_a_further_version_and_both_are_kept(store: Store) -> None:
    put(store, said(service(), evaluation(5)))
    settled = put(store, said(service(), evaluation(4), page="p2", corrects=True))
    assert settled.stored == {"p2": 1}
    assert held(store, "record_key", "version", "satisfaction", "warnings") == [
        ("P1#1", 1, None, None),
        ("P1#1#1", 1, 5, None),
        ("P1#1#1", 2, 4, '["evaluation.satisfaction_changed"]'),
    ]
    again = put(store, said(service(), evaluation(4), page="p3", corrects=True))
    assert again.duplicate == {"p3": 1}
    late = put(store, said(service(), evaluation(5), page="p4"))
    assert late.duplicate == {"p4": 1}, "the first version, sent late once more, is known"


def test_a_correction_back_to_the_first_wording_is_not_lost(store: Store) -> None:
    put(store, said(evaluation(5)))
    put(store, said(evaluation(4), page="p2", corrects=True))
    put(store, said(evaluation(5), page="p3", corrects=True))
    assert held(store, "version", "satisfaction") == [(1, 5), (2, 4), (3, 5)]


def test_another_source_cannot_correct(store: Store) -> None:
    put(store, said(evaluation(5)))
    settled = put(store, said(evaluation(4), page="p2", source="s2", corrects=True))
    assert list(settled.conflicts) == [("p2", 0)]
    same = put(store, said(evaluation(5), page="p3", source="s2"))
    assert same.duplicate == {"p3": 1}


def test_personal_data_counts_as_content(store: Store) -> None:
    put(store, said(service()))
    renamed = service()._replace(personal={"user_name": "王大明"})
    assert put(store, said(renamed, page="p2")).conflicts
    assert put(store, said(renamed, page="p3", corrects=True)).stored == {"p3": 1}


def test_a_negative_evaluation_raises_its_order_in_the_same_transaction(store: Store) -> None:
    settled = put(store, said(service(), evaluation(1)), said(evaluation(2, "P2#1#1", dept=None), index=1))
    assert settled.orders == 2
    with store.read() as transaction:
        orders = transaction.execute(select(work_order).order_by(work_order.c.evaluation_key)).all()
        events = transaction.execute(select(work_order_event)).all()
    assert [(order.state, order.satisfaction, order.cycle) for order in orders] == [("10", 1, 1), ("05", 2, 1)]
    assert {order.due_at for order in orders} == {datetime(2026, 12, 5, 16)}  # noqa: DTZ001 - 24:00 of 5 December
    assert {order.due_rule for order in orders} == {"default-15nd-2019"}
    assert orders[0].external_id.startswith("HCP-511602-")
    assert {(event.seq, event.event, event.from_state) for event in events} == {(1, "negative_received", None)}
    assert {event.order_id: event.to_state for event in events} == {order.order_id: order.state for order in orders}


def test_an_order_is_raised_once(store: Store) -> None:
    put(store, said(evaluation(1)))
    assert put(store, said(evaluation(1), page="p2")).orders == 0
    assert put(store, said(evaluation(2), page="p3", corrects=True)).orders == 0
    assert put(store, said(evaluation(5, "P3#1#1"), page="p4")).orders == 0
    assert put(store, said(evaluation(1, "P3#1#1"), page="p5", corrects=True)).orders == 1


def test_a_correction_twice_in_one_chunk_raises_one_order(store: Store) -> None:
    first = said(evaluation(1), page="p1")
    settled = put(store, first, said(evaluation(2), page="p2", corrects=True))
    assert settled.orders == 1
    assert held(store, "version") == [(1,), (2,)]


def test_nothing_remains_of_a_rolled_back_transaction(store: Store) -> None:
    with store.rehearse() as transaction:
        assert settlement.settle(transaction, [said(evaluation(1))], seal, NOON, AREA).orders == 1
    assert held(store, "position") == []
    put(store, said(evaluation(1)))
    assert held(store, "position") == [(1,)]


def test_text_of_any_kind_comes_back_as_it_was(store: Store) -> None:
    odd = 'tab\t newline\n back\\slash \\N "quoted" \u0000 \x7f 𬭁 ' + "长" * 500
    put(store, said(service(project_name=odd)))
    ((content,),) = held(store, "content")
    assert orjson.loads(content)["projectName"] == odd


@pytest.mark.parametrize("key", ["P" * 121, "P\0"])
def test_what_the_ledger_cannot_hold_is_refused_before_any_lock(key: str) -> None:
    with pytest.raises(Bug) as refused:
        prepare(service(key))
    assert refused.value.code == "ledger.unstorable"


def test_a_refused_bulk_write_does_not_quote_the_row(store: Store) -> None:
    row: Sequence[Any] = ("p1", 0, "s1", RECEIVED, "王小明", 1)
    columns = ("page_id", "page_index", "source_id", "received_at", "record_key", "first_position")
    with pytest.raises(Bug) as refused, store.begin() as transaction:
        insert(transaction, "duplicate", columns, [row, row])
    assert "王小明" not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_the_lock_gives_the_last_position(store: Store) -> None:
    put(store, said(service()), said(service("P2#1"), index=1))
    with store.begin() as transaction:
        assert ledger.lock(transaction) == 2
        assert transaction.execute(text("SELECT MAX(position) FROM ledger_record")).scalar() == 2
