"""What is known of each source (数据源): its cursor, how its pulls go, and whether a person has to act."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from gateway.domain.pause import pause_after
from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import source_state

NAMES = 20  # of unfinished files that are kept
CALM: dict[str, Any] = dict.fromkeys(("failing_since", "error_code", "error_detail", "paused_until")) | {"failures": 0}


@dataclass(frozen=True, slots=True)
class SourceState:
    """One row of ``source_state``; times aware."""

    source_id: str
    cursor: str | None
    cursor_version: int
    last_page_id: str | None
    suspended_code: str | None
    suspended_detail: str | None
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    failing_since: datetime | None  # lost since then (失联)
    back_at: datetime | None  # found again then, the last time
    paused_until: datetime | None  # left alone until then: the breaker is open, or the source said Retry-After
    failures: int
    error_code: str | None
    error_detail: str | None
    unfinished: tuple[str, ...]  # at the last pull that came to its end; the first of them


def state(transaction: Connection, source_id: str) -> SourceState | None:
    """The source's state; none before its first pull."""
    row = transaction.execute(select(source_state).where(source_state.c.source_id == source_id)).mappings().first()
    return None if row is None else _state(row)


def states(transaction: Connection) -> list[SourceState]:
    """Every source that was ever pulled, by id."""
    return [_state(row) for row in transaction.execute(select(source_state).order_by("source_id")).mappings()]


def start(transaction: Connection, source_id: str, now: datetime) -> SourceState:
    """Note that a pull begins, and give the state that it begins from."""
    if _change(transaction, source_id, last_attempt_at=utc_naive(now)) == 0:
        first = {"source_id": source_id, "cursor_version": 0, "failures": 0, "last_attempt_at": utc_naive(now)}
        try:
            with transaction.begin_nested():
                transaction.execute(insert(source_state).values(first))
        except IntegrityError:  # another process's first pull
            _change(transaction, source_id, last_attempt_at=utc_naive(now))
    row = transaction.execute(select(source_state).where(source_state.c.source_id == source_id)).mappings().one()
    return _state(row)


def succeeded(
    transaction: Connection, source_id: str, now: datetime, unfinished: Sequence[str] = ()
) -> datetime | None:
    """A pull came to its end; since when it had been lost, if this is what brought it back.

    ``unfinished``: names of what the source had begun to write and not ended.
    """
    before = state(transaction, source_id)
    lost = before.failing_since if before else None
    waits = json.dumps(unfinished[:NAMES], ensure_ascii=False) if unfinished else None
    back: dict[str, Any] = {} if lost is None else {"back_at": utc_naive(now)}
    _change(transaction, source_id, last_success_at=utc_naive(now), unfinished=waits, **CALM, **back)
    return lost


def failed(
    transaction: Connection,
    source_id: str,
    code: str,
    detail: str,
    now: datetime,
    *,
    began: int = 0,
    retry_after: float | None = None,
) -> bool:
    """A pull failed; ``detail``: its parameters, free of personal data. Was it the first one to?

    One that keeps failing, or says ``retry_after`` (seconds), is left alone for a while (:mod:`gateway.domain.pause`).
    But for its own word, it isn't after a pull that got somewhere: that moved the cursor from ``began`` (its version).
    """
    before = state(transaction, source_id)
    since = before.failing_since if before and before.failing_since else now
    failures = before.failures + 1 if before else 1
    barren = before is None or before.cursor_version == began
    pause = pause_after(failures if barren else 1, retry_after)
    found = {"failures": failures, "error_code": code, "error_detail": detail}
    found["paused_until"] = None if pause is None else utc_naive(now + pause)
    _change(transaction, source_id, failing_since=utc_naive(since), **found)
    return before is None or before.failing_since is None


def set_cursor(transaction: Connection, source_id: str, cursor: str | None, version: int) -> bool:
    """Put the cursor elsewhere, unless it has moved on from ``version``; whether it was put there."""
    asked = update(source_state).where(source_state.c.source_id == source_id, source_state.c.cursor_version == version)
    return transaction.execute(asked.values(cursor_text=cursor, cursor_version=version + 1)).rowcount == 1


def suspend(transaction: Connection, source_id: str, code: str, detail: str) -> None:
    """Stop pulling (挂起) until a person resumes the source."""
    _change(transaction, source_id, suspended_code=code, suspended_detail=detail)


def resume(transaction: Connection, source_id: str) -> bool:
    """Pull again, at once. False: the source was neither suspended nor left alone."""
    asked = update(source_state).where(
        source_state.c.source_id == source_id,
        or_(source_state.c.suspended_code.is_not(None), source_state.c.paused_until.is_not(None)),
    )
    return transaction.execute(asked.values(suspended_code=None, suspended_detail=None, **CALM)).rowcount == 1


def _change(transaction: Connection, source_id: str, **values: Any) -> int:
    return transaction.execute(
        update(source_state).where(source_state.c.source_id == source_id).values(values)
    ).rowcount


def _state(row: RowMapping) -> SourceState:
    return SourceState(
        source_id=row["source_id"],
        cursor=row["cursor_text"],
        cursor_version=row["cursor_version"],
        last_page_id=row["last_page_id"],
        suspended_code=row["suspended_code"],
        suspended_detail=row["suspended_detail"],
        last_attempt_at=_aware(row["last_attempt_at"]),
        last_success_at=_aware(row["last_success_at"]),
        failing_since=_aware(row["failing_since"]),
        back_at=_aware(row["back_at"]),
        paused_until=_aware(row["paused_until"]),
        failures=row["failures"],
        error_code=row["error_code"],
        error_detail=row["error_detail"],
        unfinished=tuple(json.loads(row["unfinished"] or "[]")),
    )


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else utc_aware(moment)
