"""A span of the past, asked of both walks, cut off anywhere and taken up again: all of it, whatever changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connector import Page
from gateway.errors import Rejected
from tests.unit.connectors.test_walks import BASE, WALKS, Record, Source, list_walk

RECORDS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 300)), min_size=1, max_size=40)


def numbers(page: Page) -> set[int]:
    return {int(each["n"]) for each in json.loads(page.body)}


@pytest.mark.parametrize("kind", sorted(WALKS))
@settings(max_examples=60)
@given(
    records=RECORDS, cuts=st.lists(st.integers(1, 3), max_size=8), begin=st.integers(0, 300), width=st.integers(1, 200)
)
def test_a_span_is_read_to_its_end_however_often_it_is_cut(
    kind: str, records: list[Record], cuts: list[int], begin: int, width: int
) -> None:
    source = Source(records)
    walk: Callable[..., Any] = WALKS[kind]
    since, until = BASE + timedelta(seconds=begin), BASE + timedelta(seconds=begin + width)
    found: set[int] = set()
    cursor: str | None = None
    for cut in [*cuts, 10_000]:  # pages landed before the worker dies
        for count, page in enumerate(walk(source).within(since, until, cursor, None), 1):
            found |= numbers(page)
            cursor = page.cursor
            if count == cut:
                break
    wanted = {number for number, second in source.records.items() if begin <= second < begin + width}
    assert wanted <= found
    if kind == "list":
        assert found == wanted


def test_a_list_without_a_span_cant_be_asked_for_one() -> None:
    walk = list_walk(Source([(1, 1)]))
    object.__setattr__(walk, "spans", None)
    with pytest.raises(Rejected, match=r"pull\.window_unsupported"):
        next(walk.within(BASE, BASE + timedelta(days=1), None, None))
