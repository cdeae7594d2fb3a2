"""Backfill (补采): spans of the past pulled anew, window by window, beside the running cursor.

Each window is a row with a cursor of its own: a kill costs the page under way, a second worker takes another window or
is told that it was overtaken, and asking for the same span again goes on with what is open. What the ledger holds
already it counts as a duplicate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from gateway.connector import Connector, Windowed
from gateway.crash import reach
from gateway.errors import Rejected
from gateway.stages.context import Context
from gateway.stages.pull import Tally, groups, land
from gateway.stages.source_line import Halted, go_on, line
from gateway.store import Transaction, pages, sources, windows
from schemas.source import SourceFile

MOST_WINDOWS = 4000
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BackfillReport:
    """What one backfill brought. ``windows``: read to their end now; ``left``: still open in that span."""

    source_id: str
    windows: int = 0
    left: int = 0
    pages: int = 0
    repeated: int = 0
    bytes: int = 0
    stopped: str | None = None
    stopped_detail: dict[str, str] = field(default_factory=dict)

    @property
    def for_a_person(self) -> bool:
        return False


def backfill(
    context: Context,
    source_id: str,
    since: datetime,
    until: datetime,
    *,
    width: timedelta = DAY,
    again: bool = False,
) -> BackfillReport:
    """Pull what changed at the source from ``since`` to before ``until`` (aware). May be repeated and killed.

    ``again``: also what an earlier backfill has read. Raises ``Rejected``: ``pull.window_span``,
    ``pull.window_unsupported`` (the kind, or its paging, can't be asked for a span); and what a pull raises.
    """
    spans = _spans(since, until, width)
    source, report = context.source(source_id), BackfillReport(source_id)
    tally, done = Tally(), 0
    try:
        with line(context, source) as (connector, state):
            windowed = _windowed(connector)
            with context.store.begin() as transaction:
                if again:
                    windows.forget(transaction, source_id, since, until)
                windows.lay(transaction, source_id, spans, context.clock())
            reach("backfill.laid")
            for window in _open(context, source_id, since, until):
                _pull_window(context, source, windowed, state, window, tally)
                done += 1
    except Rejected:
        with context.store.begin() as transaction:
            windows.forget(transaction, source_id, since, until, untouched=True)
        raise
    except Halted as halted:
        report = replace(report, stopped=halted.halt.code, stopped_detail=halted.halt.detail)
    left = len(_open(context, source_id, since, until))
    return replace(report, windows=done, left=left, pages=tally.landed, repeated=tally.repeated, bytes=tally.size)


def _pull_window(
    context: Context,
    source: SourceFile,
    connector: Windowed,
    state: sources.SourceState,
    window: windows.Window,
    tally: Tally,
) -> None:
    """Land all pages of ``window`` beyond its cursor, then close it."""
    last_page_id = state.last_page_id
    moved = [window]
    for group in groups(connector.within(window.since, window.until, window.cursor, state.cursor)):
        move = partial(_move, moved, group[-1].cursor, context.clock)
        last_page_id = land(context, connector, source.source, group, last_page_id, move, tally)
        go_on(context, source)
    with context.store.begin() as transaction:
        windows.finish(transaction, moved[-1], context.clock())
    reach("backfill.finished")


def _windowed(connector: Connector) -> Windowed:
    if not isinstance(connector, Windowed):
        raise Rejected("pull.window_unsupported")
    return connector


def _move(
    moved: list[windows.Window],
    cursor: str,
    clock: Callable[[], datetime],
    transaction: Transaction,
    made: list[pages.Landing],
) -> list[pages.Landing]:
    after, new = windows.land(transaction, moved[-1], made, cursor, clock())
    moved.append(after)
    return new


def _open(context: Context, source_id: str, since: datetime, until: datetime) -> list[windows.Window]:
    with context.store.read() as transaction:
        found = windows.windows(transaction, source_id, windows.OPEN)
    return [window for window in found if since <= window.since and window.until <= until]


def _spans(since: datetime, until: datetime, width: timedelta) -> list[tuple[datetime, datetime]]:
    if not since < until or (until - since) / width > MOST_WINDOWS:
        raise Rejected("pull.window_span", since=since.isoformat(), until=until.isoformat(), most=MOST_WINDOWS)
    return list(_cut(since, until, width))


def _cut(since: datetime, until: datetime, width: timedelta) -> Iterator[tuple[datetime, datetime]]:
    while since < until:
        end = min(since + width, until)
        yield since, end
        since = end
