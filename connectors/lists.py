"""Paging through a list that is asked for a span of time, or as a whole, in whatever order it answers (窗口采集).

A span is read to its end before the next begins, and the cursor stands inside it, so that a backfill of months goes on
where it was cut. What makes page numbers unsafe is found out: a total that drifts, a count that contradicts it, a page
before that has changed; then the span is read again from its start. The cursor's moment is the latest that the source
itself has shown, never our clock.

Each pull begins with the time just before the cursor. What it reads there is compared with the sums of what was landed
(:mod:`connectors.recent`); only pages with records of a slice that has changed are landed. A list without a span is
one such slice.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import msgspec

from connectors.moments import SHANGHAI, earlier, in_form, now, seconds, written
from connectors.recent import MODULUS, Lookback, Sums, changed, mark
from connectors.since import RESTARTS, Fetched, read_cursor
from gateway.connector import Page
from gateway.errors import Misconfigured, Rejected, Transient

WHOLE = "0"  # the one slice of a list without a span
HELD_PAGES = 8  # that are compared and landed without being fetched twice
EMPTY_PAGES = 100
GRAINS = {"ss": 1, "mm": 60, "HH": 3600, "dd": 86_400}  # seconds that a form ending so can't tell apart


class Spot(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far the span from ``since`` to ``until`` has been read. ``at``: its next page."""

    since: str
    until: str
    at: str
    prior: str = ""  # position of the page before, and its digest
    before: str = ""
    count: int = 0
    total: int | None = None
    latest: str = ""
    sums: Sums = {}


class ListPlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor: the latest moment landed, the sums before it, and the span that was being read."""

    since: str = ""
    recent: Sums = {}
    spot: Spot | None = None


class ListFetch(Protocol):
    def __call__(self, since: str, until: str, at: str) -> Fetched: ...


@dataclass(frozen=True, slots=True)
class Spans:
    """How a list is asked for spans: ``form`` of both ends, ``length`` in seconds, whether it takes an end at all."""

    form: str
    length: int
    bounded: bool
    start: str
    clock: Callable[[], datetime] = now

    @property
    def grain(self) -> int:
        return next((grain for letters, grain in GRAINS.items() if letters in self.form), 1)


@dataclass(frozen=True, slots=True)
class _Read:
    """One page of a span, read at ``spot``, and the spot after it."""

    spot: Spot
    got: Fetched
    following: Spot


@dataclass(frozen=True, slots=True)
class ListWalk:
    """``first``: position of the first page. ``steady``: a page's place never shifts (cursors, links)."""

    fetch: ListFetch
    lookback: Lookback
    spans: Spans | None
    first: str
    steady: bool
    media_type: Callable[[], str]

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """New pages after ``cursor``. Raises ``Misconfigured``: ``paging.no_moment``, ``paging.moment_form``,
        ``paging.outside``, ``paging.page_ignored``; ``Transient``: ``paging.unstable``, ``paging.endless``; and what
        ``fetch`` raises."""
        place = read_cursor(cursor, ListPlace) or ListPlace(self.spans.start if self.spans else "")
        since, end = place.since, self._end()
        if place.recent and place.spot is None:
            place, since = yield from self._compared(place, end)
        if self.spans is None:
            if not place.recent or place.spot is not None:
                yield from self._landed(place, place.spot or Spot("", "", self.first))
            return
        yield from self._spanned(self.spans, place, since, end)

    def within(self, since: datetime, until: datetime, cursor: str | None, running: str | None) -> Iterator[Page]:
        """See :class:`gateway.connector.Windowed`. Raises ``Rejected('pull.window_unsupported')``: a list without a
        span is always read whole."""
        if self.spans is None:
            raise Rejected("pull.window_unsupported")
        place = read_cursor(cursor, ListPlace) or ListPlace(written(since.astimezone(SHANGHAI), self.spans.form))
        end = written(until.astimezone(SHANGHAI), self.spans.form)
        yield from self._spanned(self.spans, place, place.since, end)

    def _spanned(self, spans: Spans, place: ListPlace, since: str, end: str) -> Iterator[Page]:
        """All pages from ``since``, or from where ``place`` stands within a span, to ``end``."""
        length: float = spans.length
        while place.spot is not None or seconds(since) < seconds(end):
            spot = place.spot or Spot(since, self._until(since, end, length), self.first)
            place, found = yield from self._landed(place, spot)
            since, length = spot.until, spans.length if found else length * 2

    def _compared(self, place: ListPlace, end: str) -> Generator[Page, None, tuple[ListPlace, str]]:
        """What has changed since the last pull, late or new; returns the place, and where the next span begins."""
        spot = Spot("", "", self.first)
        if self.spans is not None:
            until = self._until(place.since, end, self.spans.length)
            spot = Spot(self.lookback.start(place.since), until, self.first)
        held: list[_Read] | None = []
        sums: Sums = {}
        for read in self._reads(spot, keep=True):
            sums = read.following.sums
            held = [] if not read.spot.prior else held  # from the start again
            held = [*held, read] if held is not None and len(held) < HELD_PAGES else None
        slices = changed(self._kept(place.recent, place.since), self._kept(sums, place.since))
        if not slices:
            return place, spot.until
        waiting: list[_Read] = []
        last: _Read | None = None
        for read in self._reads(spot, keep=True) if held is None else held:
            last = read
            if self._touches(read.got.records, slices):
                yield from (self._page(before, place) for before in waiting)
                waiting = [read]
        after = place if last is None else self._ended(place, last.following, {})
        yield from (self._page(final, after) for final in waiting)
        return after, spot.until

    def _landed(self, place: ListPlace, spot: Spot) -> Generator[Page, None, tuple[ListPlace, bool]]:
        """All pages of a span; returns the place after it, and whether it held anything."""
        found = False
        for read in self._reads(spot):
            after = ListPlace(place.since, place.recent, read.following)
            if read.got.onward is None:
                after = self._ended(place, read.following, place.recent)
            if read.got.records:
                found = True
                yield self._page(read, after)
        return after, found

    def _reads(self, start: Spot, *, keep: bool = False) -> Iterator[_Read]:
        """Pages from ``start`` to the end of its span, and from the span's start when it has changed meanwhile.

        ``keep``: the sums of all slices, not only of those that the next pull will look at.
        """
        spot, restarts, barren = start, 0, 0
        while True:
            got = self._fetched(spot)
            if self._drifted(spot, got):
                restarts += 1
                if restarts > RESTARTS:
                    raise Transient("paging.unstable")
                spot = Spot(spot.since, spot.until, self.first)
                continue
            following = self._read_on(spot, got, keep)
            yield _Read(spot, got, following)
            if got.onward is None:
                return
            barren = 0 if got.records else barren + 1
            if barren >= EMPTY_PAGES or got.onward == spot.at:
                raise Transient("paging.endless")
            spot = following

    def _fetched(self, spot: Spot) -> Fetched:
        """The page at ``spot``; the last one if the total says so, which saves asking for an empty one."""
        got = self.fetch(spot.since, spot.until, spot.at)
        over = not self.steady and got.total is not None and spot.count + len(got.records) >= got.total
        return replace(got, onward=None) if over else got

    def _drifted(self, spot: Spot, got: Fetched) -> bool:
        """Has the list changed under our feet?"""
        if got.total is not None and spot.total not in (None, got.total):
            return True
        if got.onward is None and got.total is not None and spot.count + len(got.records) != got.total:
            return True
        if not spot.prior:
            return False
        if got.records and got.digest == spot.before:
            raise Misconfigured("paging.page_ignored")
        return not self.steady and self.fetch(spot.since, spot.until, spot.prior).digest != spot.before

    def _read_on(self, spot: Spot, got: Fetched, keep: bool) -> Spot:
        total = spot.total if got.total is None else got.total
        count, latest, sums = spot.count + len(got.records), spot.latest, spot.sums
        if self.spans is None:
            sums = {WHOLE: (sums.get(WHOLE, 0) + sum(map(mark, got.records))) % MODULUS}
        elif got.records:
            latest = self._latest(spot, got.records)
            sums = self.lookback.add(sums, got.records, lambda _: True)
            sums = sums if keep else self.lookback.kept(sums, latest)
        return Spot(spot.since, spot.until, got.onward or "", spot.at, got.digest, count, total, latest, sums)

    def _latest(self, spot: Spot, records: Sequence[bytes]) -> str:
        """The span's latest moment so far, in the form that spans are asked in."""
        assert self.spans is not None  # noqa: S101
        moments = [moment for record in records if (moment := self.lookback.moment_of(record)) is not None]
        if not moments:
            raise Misconfigured("paging.no_moment")
        grain = self.spans.grain
        least, most = seconds(spot.since) - grain, seconds(spot.until) + grain if self.spans.bounded else float("inf")
        if not all(least <= seconds(moment) <= most for moment in moments):
            raise Misconfigured("paging.outside")
        latest = in_form(max(moments, key=seconds), self.spans.form)
        return latest if not spot.latest or seconds(latest) > seconds(spot.latest) else spot.latest

    def _ended(self, place: ListPlace, spot: Spot, recent: Sums) -> ListPlace:
        """The place once a span is read, with ``recent`` the sums of spans before it."""
        if self.spans is None:
            return ListPlace(recent=spot.sums)
        since = spot.latest or place.since
        both = {key: (recent.get(key, 0) + spot.sums.get(key, 0)) % MODULUS for key in {*recent, *spot.sums}}
        return ListPlace(since, self._kept(both, since))

    def _kept(self, sums: Sums, since: str) -> Sums:
        return self.lookback.kept(sums, since) if self.spans else sums

    def _touches(self, records: Sequence[bytes], slices: set[str]) -> bool:
        return bool(records) and (self.spans is None or self.lookback.touches(records, slices, lambda _: True))

    def _end(self) -> str:
        return written(self.spans.clock(), self.spans.form) if self.spans else ""

    def _until(self, since: str, end: str, length: float) -> str:
        """The end of the span that begins at ``since``; ``end``: now."""
        if self.spans is None or not self.spans.bounded:
            return end
        until = earlier(since, -length)
        return until if seconds(until) < seconds(end) else end

    def _page(self, read: _Read, cursor: ListPlace) -> Page:
        spot = read.spot
        origin = f"since={spot.since};until={spot.until};at={spot.at}" if self.spans else f"at={spot.at}"
        place = msgspec.json.encode(cursor).decode()
        return Page(read.got.body, self.media_type(), origin, place, len(read.got.records))
