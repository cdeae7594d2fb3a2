"""Paging through a list that is ordered by time of change and asked with an inclusive "changed since" (增量采集).

Page numbers alone lose records: whatever changes during the pull moves to the end and shifts its successors into
pages already read. So each next page is asked from the time of the last record seen, page 1 again. The price is known
and small: records of that one moment come twice. Only a moment that fills whole pages is read by page number, and
there every step looks back at the page before it: if that has changed, the moment is read again from its start.

The cursor holds the moment, the page within it, marks (digests) of the records already seen at it, so that an
unchanged source yields nothing, and the sums of the slices before it (:mod:`connectors.recent`).
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from connectors.moments import Moment, in_like, seconds
from connectors.recent import MODULUS, Lookback, Sums, changed, mark
from gateway.connector import Page
from gateway.errors import Misconfigured, Rejected, Transient

RESTARTS = 3
LIKE = "2026-01-01 00:00:00"  # how moments are written where neither the source nor its file has shown it yet
S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer: what of it is landed, the raw bytes of each record, how many match in all, if the source says so,
    where the next page is, if the source's paging knows that (``None``: this is the last), and how many records are
    landed, where some are left out."""

    body: bytes
    records: Sequence[bytes]
    total: int | None = None
    onward: str | None = None
    landed: int | None = None

    @property
    def digest(self) -> str:
        return hashlib.sha256(b"\0".join(self.records)).hexdigest()[:16]


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor: where the next pull starts."""

    since: str
    page: int = 1
    before: str = ""  # digest of the page before, when page > 1
    seen: tuple[str, ...] = ()  # marks of the records at ``since`` that this page is known to hold
    part: int = 0  # sum of the records at ``since`` on the pages before this one
    recent: Sums = {}


class Fetch(Protocol):
    def __call__(self, since: str, page: int) -> Fetched: ...


@dataclass(frozen=True, slots=True)
class _Step:
    """A page read, and the place after it."""

    place: Place
    got: Fetched
    following: Place
    fresh: bool


@dataclass(frozen=True, slots=True)
class SinceWalk:
    """``size``: records asked for per page; ``start``: since of the very first pull."""

    fetch: Fetch
    lookback: Lookback
    size: int
    start: str
    media_type: Callable[[], str]
    moment_of: Callable[[bytes], Moment | None] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "moment_of", self.lookback.moment_of)

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """New pages after ``cursor``. Raises ``Misconfigured``: ``paging.unordered``, ``paging.no_moment``,
        ``paging.moment_form``, ``paging.page_ignored``; ``Transient('paging.unstable')``; and what ``fetch`` raises."""
        stored = read_cursor(cursor, Place)
        place = stored or Place(self.start)
        if stored is not None and self.lookback.amount:
            place = yield from self._late(stored)
        for step in self._steps(place):
            if step.fresh:
                yield self._page(step, step.following)

    def within(self, since: datetime, until: datetime, cursor: str | None, running: str | None) -> Iterator[Page]:
        """See :class:`gateway.connector.Windowed`. Raises ``Rejected('pull.window_unsupported')``: ids name no time."""
        if self.lookback.unit != "seconds":
            raise Rejected("pull.window_unsupported")
        known = read_cursor(running, Place)
        place = read_cursor(cursor, Place) or Place(in_like((known and known.since) or self.start or LIKE, since))
        for step in replace(self, lookback=replace(self.lookback, amount=0))._steps(place):
            if step.fresh:
                yield self._page(step, step.following)
            if seconds(step.following.since) >= until.timestamp():
                return

    def _late(self, stored: Place) -> Generator[Page, None, Place]:
        """Pages with records that came late; returns the place to go on from."""
        look, since = self.lookback, stored.since
        start = Place(look.start(since))
        known = look.kept(stored.recent, since)
        slices = changed(known, look.kept(self._sums(deque(self._until(start, since), maxlen=1), since), since))
        if not slices:
            return stored
        end = look.number(since)
        held: list[_Step] = []
        last: deque[_Step] = deque(maxlen=1)
        for step in self._until(start, since):
            last.append(step)
            if look.touches(step.got.records, slices, lambda number: number < end):
                yield from (self._page(before, stored) for before in held)
                held = [step]
        after = msgspec.structs.replace(stored, recent=look.kept(self._sums(last, since), since))
        yield from (self._page(final, after) for final in held)
        return after

    def _until(self, start: Place, since: str) -> Iterator[_Step]:
        """Steps that hold records earlier than ``since``."""
        end = self.lookback.number(since)
        for step in self._steps(start, since):
            yield step
            if self.lookback.number(step.following.since) >= end:
                return

    def _sums(self, last: Sequence[_Step], since: str) -> Sums:
        """Sums of all records earlier than ``since``, once the walk has ended with ``last``."""
        if not last:
            return {}
        step, look = last[0], self.lookback
        sums, moment = dict(step.following.recent), look.number(step.following.since)
        if moment >= look.number(since):
            return sums
        look.put(sums, step.following.since, step.following.part)
        if step.following.page > step.place.page:  # then ``part`` holds this page's records too
            return sums
        return look.add(sums, step.got.records, lambda number: number == moment)

    def _steps(self, place: Place, end: str | None = None) -> Iterator[_Step]:
        """Pages from ``place`` on. With an ``end``, sums hold what is earlier, from the slice on where it looks."""
        restarts = 0
        while True:
            got = self.fetch(place.since, place.page)
            if place.page > 1:
                if got.records and got.digest == place.before:
                    raise Misconfigured("paging.page_ignored")
                if self.fetch(place.since, place.page - 1).digest != place.before:
                    restarts += 1
                    if restarts > RESTARTS:
                        raise Transient("paging.unstable")
                    place = Place(place.since, recent=place.recent)
                    continue
            if not got.records:
                return
            more = len(got.records) >= self.size or (
                got.total is not None and place.page * len(got.records) < got.total
            )
            following, fresh = self._after(got, place, more, end)
            yield _Step(place, got, following, fresh)
            if not more:
                return
            place = following

    def _after(self, got: Fetched, place: Place, more: bool, end: str | None) -> tuple[Place, bool]:
        """The place after this page, and whether the page holds anything not seen before."""
        first = next((moment for record in got.records if (moment := self.moment_of(record)) is not None), None)
        last = next(
            (moment for record in reversed(got.records) if (moment := self.moment_of(record)) is not None), None
        )
        if first is None or last is None:
            raise Misconfigured("paging.no_moment")
        if _earlier(last, first) or (place.since and _earlier(first, type(first)(place.since))):
            raise Misconfigured("paging.unordered")
        marks = self._marks_at(last, got.records)
        if str(last) != place.since:
            return Place(str(last), seen=marks, recent=self._recent(place, got, last, end)), True
        fresh = not set(marks) <= set(place.seen)
        if more:
            part = (place.part + sum(map(mark, got.records))) if self.lookback.amount else 0
            return Place(place.since, place.page + 1, got.digest, part=part % MODULUS, recent=place.recent), fresh
        return msgspec.structs.replace(place, seen=marks), fresh

    def _recent(self, place: Place, got: Fetched, last: Moment, end: str | None) -> Sums:
        """The sums once the place moves on to ``last``: all that is earlier is known now."""
        look = self.lookback
        if not look.amount:
            return {}
        since = last if end is None else end
        limit = min(look.number(last), look.number(since))
        sums = look.add(place.recent, look.tail(got.records, since), lambda number: number < limit)
        if place.part and look.number(place.since) < limit:
            look.put(sums, place.since, place.part)
        return look.kept(sums, since)

    def _page(self, step: _Step, cursor: Place) -> Page:
        origin, got = f"since={step.place.since};page={step.place.page}", step.got
        declared = len(got.records) if got.landed is None else got.landed
        return Page(got.body, self.media_type(), origin, msgspec.json.encode(cursor).decode(), declared)

    def _marks_at(self, moment: Moment, records: Sequence[bytes]) -> tuple[str, ...]:
        marks = []
        for record in reversed(records):
            if self.moment_of(record) not in (moment, None):
                break
            marks.append(hashlib.sha256(record).hexdigest()[:16])
        return tuple(sorted(set(marks)))


def _earlier(left: Moment, right: Moment) -> bool:
    if isinstance(left, int) and isinstance(right, int):
        return left < right
    return str(left) < str(right)


def read_cursor(cursor: str | None, shape: type[S]) -> S | None:
    """The stored cursor as ``shape``; ``None`` at the very first pull. Raises ``Misconfigured('paging.cursor')``."""
    if cursor is None:
        return None
    try:
        return msgspec.json.decode(cursor, type=shape)
    except msgspec.DecodeError as foreign:
        raise Misconfigured("paging.cursor") from foreign
