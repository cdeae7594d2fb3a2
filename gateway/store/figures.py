"""Figures for the status command and the console, answered from indexes; every one as of the transaction's start."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from gateway.store.database import utc_aware, utc_naive
from gateway.store.pages import LANDED, UNDECODABLE
from gateway.store.quarantine import OPEN
from gateway.store.tables import quarantine, quarantine_problem, raw_page


class SourceCounts(NamedTuple):
    """One source's pages and records received in a period; landed = stored + quarantined + duplicate."""

    source_id: str
    pages: int
    pending_pages: int  # landed, not normalised yet: their records aren't counted yet
    undecodable_pages: int
    landed: int
    stored: int
    quarantined: int
    duplicate: int
    unrated: int


class CauseCount(NamedTuple):
    """Open quarantined records of one source that have this reason at this place of the source's records."""

    source_id: str
    code: str
    field: str
    source_path: str
    records: int
    oldest: datetime  # aware


class ReasonCount(NamedTuple):
    """Open quarantined records of one source that have this reason; a record may have several."""

    source_id: str
    code: str
    records: int
    oldest: datetime  # aware


def source_counts(
    transaction: Connection, since: datetime, until: datetime, source_id: str | None = None
) -> list[SourceCounts]:
    """Counts by source of pages received in ``[since, until)``; both aware. A local day is one such period."""
    page = raw_page.c
    asked = select(
        page.source_id,
        func.count(),
        func.sum(case((page.state == LANDED, 1), else_=0)),
        func.sum(case((page.state == UNDECODABLE, 1), else_=0)),
        *(func.coalesce(func.sum(page[name]), 0) for name in SourceCounts._fields[4:]),
    ).where(page.received_at >= utc_naive(since), page.received_at < utc_naive(until))
    if source_id is not None:
        asked = asked.where(page.source_id == source_id)
    found = transaction.execute(asked.group_by(page.source_id).order_by(page.source_id))
    return [SourceCounts(row[0], *(int(count) for count in row[1:])) for row in found]


def quarantine_reasons(transaction: Connection, source_id: str | None = None) -> list[ReasonCount]:
    """Open quarantine by source and reason, the most frequent first."""
    kept, problem = quarantine.c, quarantine_problem.c
    asked = (
        select(kept.source_id, problem.code, kept.page_id, kept.page_index, kept.received_at)
        .join_from(
            quarantine,
            quarantine_problem,
            (problem.page_id == kept.page_id) & (problem.page_index == kept.page_index),
        )
        .where(kept.state == OPEN)
        .distinct()  # two fields of one record may have the same reason
    )
    if source_id is not None:
        asked = asked.where(kept.source_id == source_id)
    each = asked.subquery()
    counted = select(each.c.source_id, each.c.code, func.count(), func.min(each.c.received_at))
    found = transaction.execute(counted.group_by(each.c.source_id, each.c.code))
    reasons = [ReasonCount(source, code, int(records), utc_aware(oldest)) for source, code, records, oldest in found]
    return sorted(reasons, key=lambda reason: (-reason.records, reason.source_id, reason.code))


def quarantine_causes(transaction: Connection, source_id: str | None = None) -> list[CauseCount]:
    """Open quarantine by source, reason, attribute and source path, the most frequent first."""
    kept, problem = quarantine.c, quarantine_problem.c
    group = (kept.source_id, problem.code, problem.field, problem.source_path)
    each = (
        select(*group, kept.page_id, kept.page_index, kept.received_at)
        .join_from(quarantine, quarantine_problem, _same_place())
        .where(kept.state == OPEN)
        .distinct()  # a list may hold two wrong codes
    )
    if source_id is not None:
        each = each.where(kept.source_id == source_id)
    rows = each.subquery().c
    by = (rows.source_id, rows.code, rows.field, rows.source_path)
    found = transaction.execute(select(*by, func.count(), func.min(rows.received_at)).group_by(*by))
    causes = [CauseCount(row[0], row[1], row[2], row[3], int(row[4]), utc_aware(row[5])) for row in found]
    return sorted(causes, key=lambda cause: (-cause.records, *cause[:4]))


def cause_details(transaction: Connection, cause: CauseCount, limit: int) -> list[tuple[str, int, bytes]]:
    """Page, index and sealed detail of the newest open records with this cause."""
    kept, problem = quarantine.c, quarantine_problem.c
    named = select(problem.page_id).where(
        *(_same_place(), problem.code == cause.code, problem.field == cause.field),
        problem.source_path == cause.source_path,
    )
    asked = select(kept.page_id, kept.page_index, kept.detail)
    asked = asked.where(kept.state == OPEN, kept.source_id == cause.source_id, named.exists())
    found = transaction.execute(asked.order_by(kept.page_id.desc(), kept.page_index.desc()).limit(limit))
    return [(row.page_id, row.page_index, bytes(row.detail)) for row in found]


def _same_place() -> ColumnElement[bool]:
    kept, problem = quarantine.c, quarantine_problem.c
    return and_(problem.page_id == kept.page_id, problem.page_index == kept.page_index)
