"""Backfill windows (补采窗口): spans of time that are pulled beside the running cursor, each with its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from gateway.errors import Transient
from gateway.store import pages
from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import pull_window

OPEN, DONE = "open", "done"


class Window(NamedTuple):
    """One row; times aware, ``until`` is not in it."""

    source_id: str
    since: datetime
    until: datetime
    state: str
    cursor: str | None
    version: int
    pages: int


def lay(transaction: Connection, source_id: str, spans: Sequence[tuple[datetime, datetime]], now: datetime) -> None:
    """Rows for ``spans``; one that is there stays as it is."""
    there = {(window.since, window.until) for window in windows(transaction, source_id)}
    fresh = [
        {"source_id": source_id, "since": utc_naive(since), "until": utc_naive(until)}
        | {"state": OPEN, "cursor_version": 0, "pages": 0, "changed_at": utc_naive(now)}
        for since, until in spans
        if (since, until) not in there
    ]
    if fresh:
        transaction.execute(insert(pull_window), fresh)


def forget(
    transaction: Connection, source_id: str, since: datetime, until: datetime, *, untouched: bool = False
) -> int:
    """Take windows within that time away, so that they are pulled from their beginning; how many.

    ``untouched``: only those of which nothing was landed.
    """
    row = pull_window.c
    within = (row.source_id == source_id, row.since >= utc_naive(since), row.until <= utc_naive(until))
    asked = delete(pull_window).where(*within)
    if untouched:
        asked = asked.where(row.state == OPEN, row.cursor_version == 0)
    return transaction.execute(asked).rowcount


def count_open(transaction: Connection) -> dict[str, int]:
    """How many windows each source has that are not read to their end."""
    asked = select(pull_window.c.source_id, func.count()).where(pull_window.c.state == OPEN)
    return {row[0]: row[1] for row in transaction.execute(asked.group_by(pull_window.c.source_id))}


def windows(transaction: Connection, source_id: str, state: str | None = None) -> list[Window]:
    """The source's windows in the order of time; of one state or all."""
    asked = select(pull_window).where(pull_window.c.source_id == source_id)
    if state is not None:
        asked = asked.where(pull_window.c.state == state)
    return [
        Window(
            row.source_id,
            utc_aware(row.since),
            utc_aware(row.until),
            row.state,
            row.cursor_text,
            row.cursor_version,
            row.pages,
        )
        for row in transaction.execute(asked.order_by(pull_window.c.since, pull_window.c.until))
    ]


def land(
    transaction: Connection, window: Window, made: Sequence[pages.Landing], cursor: str, now: datetime
) -> tuple[Window, list[pages.Landing]]:
    """Store pages of the window and move its cursor behind the last, together; the window now, and the new pages.

    Raises ``Transient('pull.overtaken')`` when another worker has moved it.
    """
    after = window._replace(cursor=cursor, version=window.version + 1, pages=window.pages + len(made))
    _move(transaction, window, after, now)
    return after, pages.store_new(transaction, made)


def finish(transaction: Connection, window: Window, now: datetime) -> None:
    """The window is read to its end. Raises ``Transient('pull.overtaken')``."""
    _move(transaction, window, window._replace(state=DONE, cursor=None, version=window.version + 1), now)


def _move(transaction: Connection, before: Window, after: Window, now: datetime) -> None:
    row = pull_window.c
    same = (
        row.source_id == before.source_id,
        row.since == utc_naive(before.since),
        row.until == utc_naive(before.until),
        row.cursor_version == before.version,
        row.state == OPEN,
    )
    values: dict[str, Any] = {"state": after.state, "cursor_text": after.cursor, "cursor_version": after.version}
    values |= {"pages": after.pages, "changed_at": utc_naive(now)}
    if transaction.execute(update(pull_window).where(*same).values(values)).rowcount != 1:
        raise Transient("pull.overtaken", source=before.source_id)
