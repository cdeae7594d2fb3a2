"""The walks against a source in memory that changes between any two pages: nothing is missed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.lists import ListWalk, Spans
from connectors.moments import SHANGHAI, earlier, in_form, seconds, written
from connectors.recent import Lookback
from connectors.since import Fetched, SinceWalk
from gateway.connector import Page
from gateway.errors import Misconfigured, Transient

BASE = datetime(2026, 11, 20, 8, tzinfo=SHANGHAI)
FORM = "yyyy-MM-dd HH:mm:ss"
SIZE = 3
Record = tuple[int, int]  # number, second


@pytest.mark.parametrize(
    ("moment", "back", "expected"),
    [
        ("2026-11-20 08:00:00", 600, "2026-11-20 07:50:00"),
        ("2026/11/20 00:00", 60, "2026/11/19 23:59"),
        ("2026-11-20T08:00:00.250+08:00", 0.25, "2026-11-20T08:00:00.000+08:00"),
        ("20261120080000", 1, "20261120075959"),
        ("20261120", 86_400, "20261119"),
        ("2026-11-20T00:00:00Z", 1, "2026-11-19T23:59:59Z"),
        ("1700000000", 1, "1699999999"),
        ("1700000000000", 1, "1699999999000"),
    ],
)
def test_moments_move_back_in_their_own_form(moment: str, back: float, expected: str) -> None:
    assert earlier(moment, back) == expected
    assert seconds(moment) - seconds(expected) == pytest.approx(back)


def test_one_moment_in_several_forms_is_one_number() -> None:
    forms = ["2023-11-15 06:13:20", "2023-11-14T22:13:20Z", "2023-11-15T06:13:20+0800", 1_700_000_000, "1700000000000"]
    assert {seconds(form) for form in forms} == {1_700_000_000}
    assert {in_form(form, FORM) for form in forms} == {"2023-11-15 06:13:20"}
    assert written(BASE, "yyyy-MM-dd'T'HH:mm:ss.SSSXXX") == "2026-11-20T08:00:00.000+08:00"


@pytest.mark.parametrize("text", ["", "张三", "2026-13-01 00:00:00", "2026-11-20 8:00", "yesterday"])
def test_what_is_no_moment_is_told_and_not_shown(text: str) -> None:
    with pytest.raises(Misconfigured, match=r"paging\.moment_form") as wrong:
        seconds(text)
    assert wrong.value.params == {}


class Source:
    """Records by second. ``happen`` are changes, one before each answer, until they are used up."""

    def __init__(self, records: list[Record], happen: list[Record] | None = None) -> None:
        self.records = dict(records)
        self.happen = iter(happen or [])
        self.asked = 0

    def listed(self, since: str, until: str = "9") -> list[bytes]:
        self.asked += 1
        for number, second in [next(self.happen, (-1, 0))]:
            if number >= 0:
                self.records[number] = second
        found = sorted((self.moment(second), number) for number, second in self.records.items())
        return [json.dumps({"n": n, "at": at}).encode() for at, n in found if since <= at < until]

    @staticmethod
    def moment(second: int) -> str:
        return (BASE + timedelta(seconds=second)).strftime("%Y-%m-%d %H:%M:%S")

    def since(self, since: str, page: int) -> Fetched:
        found = self.listed(since)[(page - 1) * SIZE : page * SIZE]
        return Fetched(b"[" + b",".join(found) + b"]", found)

    def paged(self, since: str, until: str, at: str) -> Fetched:
        found = self.listed(since, until or "9")
        page = found[int(at) : int(at) + SIZE]
        onward = str(int(at) + len(page)) if page else None
        return Fetched(b"[" + b",".join(page) + b"]", page, len(found), onward)


def at(record: bytes) -> str:
    return str(json.loads(record)["at"])


def since_walk(source: Source, lookback: float = 60) -> Any:
    return SinceWalk(source.since, Lookback(lookback, "seconds", at), SIZE, "", lambda: "application/json")


def list_walk(source: Source, lookback: float = 60, length: int = 60, *, bounded: bool = True) -> Any:
    spans = Spans(FORM, length, bounded, "2026-11-20 08:00:00", lambda: BASE + timedelta(minutes=10))
    return ListWalk(source.paged, Lookback(lookback, "seconds", at), spans, "0", False, lambda: "application/json")


WALKS = {"since": since_walk, "list": list_walk, "open list": lambda source: list_walk(source, bounded=False)}


class Landed:
    """What has been landed of a walk, page by page, with its cursor."""

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.found: set[Record] = set()
        self.records = 0

    def pull(self, walk: Any, stop_after: int | None = None) -> int:
        pages: Iterator[Page] = walk.pages(self.cursor)
        count = 0
        for page in pages:
            rows = [(row["n"], row["at"]) for row in json.loads(page.body)]
            assert page.declared == len(rows)
            self.found |= set(rows)
            self.records += len(rows)
            self.cursor = page.cursor
            assert len(page.cursor) < 4000
            count += 1
            if count == stop_after:
                break
        return count

    def patiently(self, walk: Any) -> int:
        try:
            return self.pull(walk)
        except Transient:
            return -1


second = st.integers(0, 200)
records = st.lists(st.tuples(st.integers(0, 40), second), max_size=40)


@pytest.mark.parametrize("kind", WALKS)
@settings(max_examples=60)
@given(before=records, during=records, late=records, cuts=st.lists(st.integers(1, 3), max_size=4))
def test_nothing_is_missed_whatever_changes_while_it_is_read(
    kind: str, before: list[Record], during: list[Record], late: list[Record], cuts: list[int]
) -> None:
    """Changes during a pull carry moments after it, as a source's clock would give them; late ones lie up to the
    lookback before the last moment seen."""
    make: Callable[[Source], Any] = WALKS[kind]
    moving = [(number, 201 + index) for index, (number, _) in enumerate(during)]
    source, landed = Source(before, moving), Landed()
    for cut in cuts:
        with_pages = make(source)
        try:
            landed.pull(with_pages, cut)
        except Transient:
            continue
    for _ in range(60):
        if landed.patiently(make(source)) == 0 and next(source.happen, None) is None:
            break
    wanted = {(number, Source.moment(when)) for number, when in source.records.items()}
    assert wanted <= landed.found
    latest = max(source.records.values(), default=0)
    for number, when in late:
        source.records[100 + number] = max(latest - 40, 0) + when % 40 if latest else when
    for _ in range(3):
        landed.patiently(make(source))
    assert {(number, Source.moment(when)) for number, when in source.records.items()} <= landed.found
    assert [landed.patiently(make(source)) for _ in range(2)] == [0, 0]


@pytest.mark.parametrize("kind", WALKS)
def test_an_unchanged_source_is_asked_little_and_lands_nothing(kind: str) -> None:
    source, landed = Source([(number, number) for number in range(200)]), Landed()
    while landed.patiently(WALKS[kind](source)):
        pass
    source.asked = 0
    assert landed.pull(WALKS[kind](source)) == 0
    assert source.asked < 90  # the lookback's 60 seconds, not all 200 records


def test_ids_may_take_the_place_of_times() -> None:
    source, landed = Source([(number, number) for number in range(100, 150, 2)]), Landed()

    def by_id(since: str, page: int) -> Fetched:
        found = [row for row in source.listed("") if json.loads(row)["n"] >= int(since or 0)]
        found = sorted(found, key=lambda row: int(json.loads(row)["n"]))[(page - 1) * SIZE : page * SIZE]
        return Fetched(b"[" + b",".join(found) + b"]", found)

    lookback = Lookback(20, "ids", lambda record: int(json.loads(record)["n"]))
    walk = SinceWalk(by_id, lookback, SIZE, "0", lambda: "application/json")
    landed.pull(walk)
    assert len(landed.found) == 25
    source.records[141] = 0
    assert 1 <= landed.pull(walk) <= 2  # the pages of its slice
    assert len(landed.found) == 26
    assert landed.pull(walk) == 0


@pytest.mark.parametrize("kind", ["since", "open list"])
@pytest.mark.parametrize("when", range(1, 5))
def test_a_record_that_moves_to_the_end_pulls_no_other_over_a_page_s_edge(kind: str, when: int) -> None:
    """The total stays the same, so only the page before can tell."""
    nothing = [(-1, 0)] * when
    source, landed = Source([(number, number) for number in range(10)], [*nothing, (0, 300)]), Landed()
    landed.pull(WALKS[kind](source))
    assert {number for number, _ in landed.found} == set(range(10))
