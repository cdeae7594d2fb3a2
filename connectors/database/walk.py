"""Where a pull of a table starts and what it remembers: keyset, and marks of the rows that it looks back on.

A transaction that commits late brings rows before the cursor. So each pull reads the time (or the numbers) just before
its cursor once more and passes over what it knows by its mark. By flag nothing is remembered but the page that was
landed last: its rows may have been landed without being flagged, if a kill came between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from connectors.database.options import ByFlag, ById, ByTime, Options
from connectors.database.table import Position, Row, Table
from connectors.database.values import back, kept, like, moment, revived
from connectors.since import read_cursor
from gateway.errors import Misconfigured

MOST_MARKS = 50_000  # older ones are forgotten: their rows would come again, and be duplicates
ZONE = ZoneInfo("Asia/Shanghai")
TOLERANCE = timedelta(hours=1)


class Place(msgspec.Struct, frozen=True):
    """The cursor. ``after``: the position of the last row, each value with its type; ``seen``: marks."""

    after: list[list[str]] = []
    seen: list[str] = []


@dataclass(frozen=True, slots=True)
class Step:
    """Rows to land together, and the cursor once they are."""

    rows: list[Row]
    place: Place


class Walk:
    """``now()``: the time, aware; rows dated beyond it are left for later, lest the cursor pass others."""

    def __init__(self, table: Table, options: Options, now: Callable[[], datetime]) -> None:
        self._table, self._options, self._now = table, options, now
        self.dated_ahead = False

    def steps(self, cursor: str | None) -> Iterator[Step]:
        """Rows not landed yet. Raises what the table does, and ``Misconfigured('paging.cursor')``."""
        place = read_cursor(cursor, Place) or Place()
        if isinstance(self._options.paging, ByFlag):
            yield from self._by_flag(set(place.seen))
            return
        after = _position(place)
        recent: deque[tuple[float | None, str]] = deque(maxlen=MOST_MARKS)
        if after is not None:
            yield from self._again(place, after, recent)
        start = self._options.paging.start if isinstance(self._options.paging, ByTime) and after is None else None
        for rows in self._runs(start, after, None):
            fresh = self._not_ahead(rows)
            if fresh:
                self._remember(recent, fresh)
                yield Step(fresh, Place(_kept(fresh[-1].position), [mark for _, mark in recent]))
            if len(fresh) < len(rows):
                return

    def within(self, since: datetime, until: datetime, cursor: str | None, running: str | None) -> Iterator[Step]:
        """Rows whose time lies in that span, see :class:`gateway.connector.Windowed`. Paging is by time."""
        low = like(self._sample(running), since, ZONE)
        for rows in self._runs(low, _position(read_cursor(cursor, Place) or Place()), None):
            times = [moment(row.position[0], ZONE) for row in rows]
            inside = [row for row, when in zip(rows, times, strict=True) if when is None or when < until]
            if inside:
                yield Step(inside, Place(_kept(inside[-1].position)))
            if len(inside) < len(rows):
                return

    def _sample(self, running: str | None) -> object:
        """A time as the column holds it: of the running cursor, of the options, or of the first row."""
        if shown := _position(read_cursor(running, Place) or Place()):
            return shown[0]
        if isinstance(self._options.paging, ByTime) and self._options.paging.start:
            return self._options.paging.start
        return next((row.position[0] for row in self._table.rows()), None)

    def _by_flag(self, landed: set[str]) -> Iterator[Step]:
        for rows in self._runs(None, None, None):
            known = [row for row in rows if row.mark in landed]
            if known:
                self._table.flag(known)
            fresh = [row for row in rows if row.mark not in landed]
            if fresh:
                yield Step(fresh, Place([], [row.mark for row in fresh]))

    def _again(self, place: Place, after: Position, recent: deque[tuple[float | None, str]]) -> Iterator[Step]:
        """Rows before the cursor that were not there when it passed."""
        low = self._low(after)
        if low is None:
            return
        seen = set(place.seen)
        for rows in self._runs(low, None, after):
            self._remember(recent, rows)
            fresh = [row for row in rows if row.mark not in seen]
            if fresh:
                seen |= {row.mark for row in fresh}
                yield Step(fresh, Place(place.after, list(seen)))

    def _runs(self, low: object, after: Position | None, until: Position | None) -> Iterator[list[Row]]:
        """Pages of the table, cut where their bytes reach the limit."""
        while rows := self._table.rows(low, after, until):
            size = 0
            for count, row in enumerate(rows, 1):
                size += len(row.record)
                if size >= self._options.max_page_bytes:
                    rows = rows[:count]
                    break
            after = rows[-1].position
            yield rows

    def _low(self, after: Position) -> object | None:
        paging = self._options.paging
        if isinstance(paging, ByTime):
            return back(after[0], paging.lookback_seconds) if paging.lookback_seconds else None
        numbered = isinstance(paging, ById) and paging.lookback_ids and len(after) == 1 and isinstance(after[0], int)
        return after[0] - paging.lookback_ids if numbered and isinstance(paging, ById) else None

    def _remember(self, recent: deque[tuple[float | None, str]], rows: Sequence[Row]) -> None:
        """Keep the marks that the next pull will look back on."""
        paging = self._options.paging
        width = paging.lookback_seconds if isinstance(paging, ByTime) else getattr(paging, "lookback_ids", 0)
        if not width:
            return
        recent.extend((self._number(row), row.mark) for row in rows)
        newest = recent[-1][0]
        while newest is not None and (oldest := recent[0][0]) is not None and oldest < newest - width - 1:
            recent.popleft()

    def _number(self, row: Row) -> float | None:
        if isinstance(self._options.paging, ByTime):
            when = moment(row.position[0], ZONE)
            return None if when is None else when.timestamp()
        return float(row.position[0]) if isinstance(row.position[0], int) else None

    def _not_ahead(self, rows: list[Row]) -> list[Row]:
        """Rows up to the first one dated in the future: what comes after it in order is later still."""
        if not isinstance(self._options.paging, ByTime):
            return rows
        latest = self._now() + TOLERANCE
        for count, row in enumerate(rows):
            when = moment(row.position[0], ZONE)
            if when is not None and when > latest:
                self.dated_ahead = True
                return rows[:count]
        return rows


def _kept(position: Position) -> list[list[str]]:
    return [kept(value) for value in position]


def _position(place: Place) -> Position | None:
    try:
        return tuple(revived(value) for value in place.after) or None
    except (ValueError, KeyError, ArithmeticError) as other:
        raise Misconfigured("paging.cursor") from other
