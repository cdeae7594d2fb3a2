"""A refused record that is sent again, word for word, is a duplicate of the one in quarantine, not a second case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import text

from gateway.stages.context import Context
from gateway.stages.normalise import NormaliseReport, normalise
from gateway.stages.pull import pull
from gateway.store import quarantine
from tests.integration.store.portal_data import NOON, SOURCE, Served, context_of, page, record, serve

WRONG = record(1, "九")


def take(context: Context, *pages: list[Any], start: int = 0) -> NormaliseReport:
    """Pull these pages in one go, then normalise."""
    serve(context, Served([page(records, f"page={start + number}") for number, records in enumerate(pages)]))
    pull(context, SOURCE)
    return normalise(context)


def rows(context: Context, query: str) -> list[tuple[Any, ...]]:
    with context.store.read() as transaction:
        return [tuple(row) for row in transaction.execute(text(query))]


def test_a_wrong_record_read_again_is_a_duplicate_of_the_first(store_url: str, tmp_path: Path) -> None:
    context = context_of(store_url, tmp_path)
    first = take(context, [WRONG, record(2)], [WRONG, record(3), WRONG])
    assert (first.landed, first.stored, first.quarantined, first.duplicate) == (5, 2, 1, 2)
    later = take(context, [record(3), WRONG, record(4, "九")], start=2)
    assert (later.landed, later.stored, later.quarantined, later.duplicate) == (3, 0, 1, 2)
    ((page_id, index),) = rows(context, "SELECT page_id, page_index FROM quarantine WHERE page_index = 0")
    named = rows(
        context,
        "SELECT page_index, record_key, first_position, first_page_id, first_page_index FROM duplicate"
        " WHERE first_page_id IS NOT NULL ORDER BY page_id, page_index",
    )
    assert named == [(number, None, None, page_id, index) for number in (0, 2, 1)]
    assert rows(context, "SELECT COUNT(*) FROM raw_page WHERE landed <> stored + quarantined + duplicate") == [(0,)]
    context.store.close()


def test_another_record_with_the_same_fault_is_a_case_of_its_own(store_url: str, tmp_path: Path) -> None:
    context = context_of(store_url, tmp_path)
    report = take(context, [WRONG, {**WRONG, "id": "another"}])
    assert (report.quarantined, report.duplicate) == (2, 0)
    context.store.close()


def test_once_the_first_was_let_out_the_same_again_is_a_new_case(store_url: str, tmp_path: Path) -> None:
    context = context_of(store_url, tmp_path)
    take(context, [WRONG])
    with context.store.begin() as transaction:
        ((page_id,),) = transaction.execute(text("SELECT page_id FROM quarantine")).all()
        assert quarantine.close(transaction, page_id, 0, quarantine.RELEASED, NOON)
    again = take(context, [WRONG], start=1)
    assert (again.quarantined, again.duplicate) == (1, 0)
    assert rows(context, "SELECT state, COUNT(*) FROM quarantine GROUP BY state ORDER BY state") == [
        ("open", 1),
        ("released", 1),
    ]
    context.store.close()


def test_a_conflict_read_again_is_a_duplicate_too(store_url: str, tmp_path: Path) -> None:
    context = context_of(store_url, tmp_path)
    take(context, [record(1, "5")])
    report = take(context, [record(1, "4")], [record(9), record(1, "4")], start=1)
    assert (report.stored, report.quarantined, report.duplicate) == (1, 1, 1)
    context.store.close()
