"""From a source file's ``paging:`` to the walk that reads its pages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

import msgspec

from connectors.lists import ListWalk, Spans
from connectors.recent import Lookback
from connectors.rest.asking import Asking, Listed
from connectors.rest.options import CursorPaging, LinkPaging, OffsetPaging, Options, PagePaging, SincePaging, Window
from connectors.rest.request import Value
from connectors.since import Fetched, SinceWalk, read_cursor
from gateway.connector import Page
from gateway.errors import Misconfigured, Rejected, Transient

ListPaging = CursorPaging | PagePaging | OffsetPaging | LinkPaging


class Walk(Protocol):
    """From a stored cursor to the pages after it."""

    def pages(self, cursor: str | None) -> Iterator[Page]: ...

    def within(self, since: datetime, until: datetime, cursor: str | None, running: str | None) -> Iterator[Page]: ...


def walk_of(options: Options, asking: Asking) -> Walk:
    paging = options.paging
    if isinstance(paging, SincePaging):
        return _since(paging, options, asking)
    if isinstance(paging, CursorPaging) and paging.window is None:
        return CursorWalk(paging, asking)
    return _listed(paging, options, asking)


def _since(paging: SincePaging, options: Options, asking: Asking) -> Walk:
    def fetch(since: str, page: int) -> Fetched:
        asked: dict[str, Value] = {paging.since_param: since, paging.page_param: page, paging.size_param: paging.size}
        listed = asking.list(asked)
        return Fetched(listed.body, listed.records, listed.total)

    lookback = Lookback(paging.lookback, paging.unit, lambda record: asking.moment(record, paging.moment))
    return SinceWalk(fetch, lookback, paging.size, paging.start, lambda: asking.media_type)


def _listed(paging: ListPaging, options: Options, asking: Asking) -> Walk:
    window = paging.window

    def fetch(since: str, until: str, at: str) -> Fetched:
        asked = _position(paging, at) | _ends(window, since, until)
        listed = asking.list(asked, at if isinstance(paging, LinkPaging) else "")
        return Fetched(listed.body, listed.records, listed.total, _onward(paging, asking, listed, at))

    lookback = Lookback(0, "seconds", lambda _: None)
    if window is not None:
        moment = window.moment
        lookback = Lookback(window.lookback, "seconds", lambda record: asking.moment(record, moment))
    spans = Spans(window.form, window.seconds, window.until_param is not None, window.start) if window else None
    steady = isinstance(paging, CursorPaging | LinkPaging)
    return ListWalk(fetch, lookback, spans, _first(paging), steady, lambda: asking.media_type)


def _first(paging: ListPaging) -> str:
    match paging:
        case PagePaging(first=first):
            return str(first)
        case OffsetPaging():
            return "0"
        case CursorPaging(start=start):
            return start
        case LinkPaging():
            return ""


def _position(paging: ListPaging, at: str) -> dict[str, Value]:
    asked: dict[str, Value] = {paging.size_param: paging.size} if paging.size_param else {}
    match paging:
        case PagePaging(page_param=name):
            asked[name] = int(at)
        case OffsetPaging(offset_param=name):
            asked[name] = int(at)
        case CursorPaging(cursor_param=name):
            asked[name] = at
        case LinkPaging():
            pass
    return asked


def _ends(window: Window | None, since: str, until: str) -> dict[str, Value]:
    if window is None:
        return {}
    ends: dict[str, Value] = {window.since_param: since}
    return ends | {window.until_param: until} if window.until_param else ends


def _onward(paging: ListPaging, asking: Asking, listed: Listed, at: str) -> str | None:
    """Where the next page is. Pages and offsets end with an empty page, never with a short one: a source may give
    fewer than were asked for."""
    match paging:
        case PagePaging() | OffsetPaging() if not listed.records:
            return None
        case PagePaging():
            return str(int(at) + 1)
        case OffsetPaging():
            return str(int(at) + len(listed.records))
        case CursorPaging():
            onward = _next_cursor(paging, listed)
            return onward if onward != at else None
        case LinkPaging():
            return asking.link(listed, paging.next)


def _next_cursor(paging: CursorPaging, listed: Listed) -> str | None:
    """The next cursor; ``None`` after the last page. Raises ``Misconfigured('rest.no_next')``."""
    onward = listed.envelope.value(paging.next)
    more = listed.envelope.value(paging.more) if paging.more else bool(onward)
    if isinstance(onward, int) and not isinstance(onward, bool):
        onward = str(onward)
    if not isinstance(more, bool) or (more and not isinstance(onward, str)):
        raise Misconfigured("rest.no_next", address=listed.answer.address, key=f"{paging.next}, {paging.more}")
    return onward if more else None


class Onward(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor of a source that hands out its own. ``last``: digest of the page there, when it may come again."""

    cursor: str
    last: str = ""


class CursorWalk:
    """A cursor that the source keeps good: the next pull goes on from the last one."""

    def __init__(self, paging: CursorPaging, asking: Asking) -> None:
        self._paging, self._asking = paging, asking

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Raises ``Misconfigured('rest.no_next')``, ``Transient('rest.cursor_stuck')``, and what asking raises."""
        paging = self._paging
        stored = read_cursor(cursor, Onward) or Onward(paging.start)
        here, last = stored.cursor, stored.last
        while True:
            size: dict[str, Value] = {paging.size_param: paging.size} if paging.size_param else {}
            listed = self._asking.list(size | {paging.cursor_param: here})
            onward = _next_cursor(paging, listed)
            more = onward is not None
            given = str(onward or listed.envelope.value(paging.next) or "")
            if (listed.records or more) and given == here:
                raise Transient("rest.cursor_stuck", address=listed.answer.address)
            got = Fetched(listed.body, listed.records)
            if listed.records and got.digest != last:
                place = Onward(given) if given else Onward(here, got.digest)
                yield Page(
                    got.body,
                    listed.media_type,
                    f"cursor={_short(here)}",
                    msgspec.json.encode(place).decode(),
                    len(listed.records),
                )
            if onward is None:
                return
            here, last = onward, ""

    def within(self, since: datetime, until: datetime, cursor: str | None, running: str | None) -> Iterator[Page]:
        """A cursor that only the source can read names no time."""
        raise Rejected("pull.window_unsupported")


def _short(cursor: str) -> str:
    """An opaque cursor may be long or hold anything: its digest names it as well."""
    return hashlib.sha256(cursor.encode()).hexdigest()[:16] if cursor else "start"
