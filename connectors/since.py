"""Paging through a list that is ordered by time of change and asked with an inclusive "changed since" (增量采集).

Page numbers alone lose records: whatever changes during the pull moves to the end and shifts its successors into
pages already read. So each next page is asked from the time of the last record seen, page 1 again. The price is known
and small: records of that one moment come twice. Only a moment that fills whole pages is read by page number, and
there every step looks back at the page before it: if that has changed, the moment is read again from its start.

The cursor holds the moment, the page within it, and marks (digests) of the records already seen at it, so that an
unchanged source yields nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from gateway.connector import Page
from gateway.errors import Misconfigured, Transient

RESTARTS = 3
Moment = str | int
S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer: its bytes, the raw bytes of each record, and how many match in all, if the source says so."""

    body: bytes
    records: Sequence[bytes]
    total: int | None = None

    @property
    def digest(self) -> str:
        return hashlib.sha256(b"\0".join(self.records)).hexdigest()[:16]


class Place(msgspec.Struct, frozen=True):
    """The cursor: where the next pull starts."""

    since: str
    page: int = 1
    before: str = ""  # digest of the page before, when page > 1
    seen: tuple[str, ...] = ()  # marks of the records at ``since`` that this page is known to hold


class Fetch(Protocol):
    def __call__(self, since: str, page: int) -> Fetched: ...


@dataclass(frozen=True, slots=True)
class SinceWalk:
    """``moment_of(record)``: when it changed, ``None`` if it doesn't say. ``size``: records asked for per page."""

    fetch: Fetch
    moment_of: Callable[[bytes], Moment | None]
    size: int
    start: str
    media_type: str

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """New pages after ``cursor``. Raises ``Misconfigured``: ``paging.unordered``, ``paging.no_moment``,
        ``paging.page_ignored``; ``Transient('paging.unstable')``; and whatever ``fetch`` raises."""
        place = read_cursor(cursor, Place) or Place(self.start)
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
                    place = Place(place.since)
                    continue
            if not got.records:
                return
            more = len(got.records) >= self.size or (
                got.total is not None and place.page * len(got.records) < got.total
            )
            following, fresh = self._after(got, place, more)
            if fresh:
                yield Page(
                    got.body,
                    self.media_type,
                    f"since={place.since};page={place.page}",
                    msgspec.json.encode(following).decode(),
                    len(got.records),
                )
            if not more:
                return
            place = following

    def _after(self, got: Fetched, place: Place, more: bool) -> tuple[Place, bool]:
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
            return Place(str(last), seen=marks), True
        fresh = not set(marks) <= set(place.seen)
        if more:
            return Place(place.since, place.page + 1, got.digest), fresh
        return Place(place.since, place.page, place.before, marks), fresh

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
