"""Evaluations whose case has not come (parent.missing): what each waits for, which may go on, which waited too long.

Their rows in quarantine are ``held``; the raw bytes stay in their page. A hold ends with its row in quarantine.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, exists, func, select, tuple_, update

from gateway.domain.wire import attributes
from gateway.mapping.outcome import Case
from gateway.store import bulk
from gateway.store.database import utc_aware, utc_naive
from gateway.store.quarantine import HELD, OPEN, Kept
from gateway.store.tables import ledger_record, parent_hold, quarantine

CASE = ("record_key", "version", "area_code", "dept_code", "task_code", "content")


class Waiting(NamedTuple):
    """How many evaluations of a source wait for their case, and since when; aware."""

    source_id: str
    records: int
    oldest: datetime


def cases(transaction: Connection, keys: Iterable[str]) -> dict[str, Case]:
    """The newest service record of each key that the ledger holds."""
    wanted = sorted(set(keys))
    found = bulk.select_in(transaction, "ledger_record", CASE, {"kind": "service"}, "record_key", wanted)
    newest: dict[str, Case] = {}
    for key, _, area, dept, task, content in sorted(found, key=lambda row: (row[0], row[1])):
        newest[key] = Case(attributes("service", content)["service_time"], area, dept, task)
    return newest


def ready(transaction: Connection, after: tuple[str, int], limit: int) -> list[Kept]:
    """Held records beyond place ``after`` whose case has come meanwhile, oldest first; about ``limit``, pages whole."""
    hold = parent_hold.c
    come = exists().where(ledger_record.c.kind == "service", ledger_record.c.record_key == hold.parent_key)
    asked = select(hold.page_id, hold.page_index, hold.source_id, hold.since).where(come)
    asked = asked.where(tuple_(hold.page_id, hold.page_index) > after).order_by(hold.page_id, hold.page_index)
    return [Kept(*row[:3], utc_aware(row[3])) for row in transaction.execute(asked.limit(limit))]


def time_out(transaction: Connection, before: datetime) -> int:
    """Evaluations that have waited since ``before`` or longer are a person's business now; how many."""
    hold, kept = parent_hold.c, quarantine.c
    late = exists().where(
        hold.page_id == kept.page_id, hold.page_index == kept.page_index, hold.since <= utc_naive(before)
    )
    done = transaction.execute(update(quarantine).where(kept.state == HELD, late).values(state=OPEN))
    transaction.execute(parent_hold.delete().where(hold.since <= utc_naive(before)))
    return done.rowcount


def waiting(transaction: Connection) -> list[Waiting]:
    """Who waits, by source."""
    hold = parent_hold.c
    asked = select(hold.source_id, func.count(), func.min(hold.since)).group_by(hold.source_id).order_by(hold.source_id)
    return [Waiting(source, int(records), utc_aware(oldest)) for source, records, oldest in transaction.execute(asked)]


def waiting_since(transaction: Connection, source_id: str, since: datetime) -> int:
    """How many evaluations of a source, received at ``since`` (UTC without zone) or later, wait for their case."""
    asked = select(func.count()).where(parent_hold.c.source_id == source_id, parent_hold.c.since >= since)
    return transaction.scalar(asked) or 0
