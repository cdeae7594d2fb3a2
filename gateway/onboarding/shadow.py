"""The shadow run (影子运行): what was landed is rehearsed and counted by day; the ledger sees none of it.

Each comparison rehearses every page that waits, with the mapping as it stands: a corrected mapping shows at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from gateway.connector import Page
from gateway.domain.moments import day_bounds, shanghai
from gateway.errors import Rejected
from gateway.onboarding.rehearsal import Given, Rehearsal, rehearsal
from gateway.reports.conformance import Document, Limits
from gateway.stages.context import Context
from gateway.stages.mapped_page import opened
from gateway.stages.pull import landing
from gateway.store import conformance, figures, lives, pages, sources, utc_naive
from gateway.store.conformance import Window
from gateway.store.landed import landed_pages
from gateway.store.lives import ShadowDay

LONG_AGO = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Compared:
    """Days of a shadow run, oldest first, and the report over all of it; none when nothing was landed yet."""

    source_id: str
    days: list[ShadowDay]
    report: Document | None


def compare(context: Context, source_id: str, limits: Limits | None = None) -> Compared:
    """Rehearse all that waits, write the days' counts beside the county's own. May be repeated."""
    source = context.source(source_id)
    with rehearsal(context, source, lambda: Given([])) as rehearsed:
        received = _land_again(context, rehearsed)
        counts = rehearsed.normalise()
        counted = _days(rehearsed, received, context.mapping(source_id).version, context.clock())
        report = rehearsed.report(limits or Limits(), min(received)) if counts.landed else None
    with context.store.begin() as transaction:
        lives.compared(transaction, source_id, counted)
        days = lives.shadow_days(transaction, source_id)
    return Compared(source_id, days, report)


@dataclass(frozen=True, slots=True)
class DailyComparison:
    """``compared``: days that were compared now; none when it was done today already."""

    compared: int


def compare_daily(context: Context, source_id: str) -> DailyComparison:
    """Compare unless that was done today. For schedules."""
    with context.store.read() as transaction:
        days = lives.shadow_days(transaction, source_id)
    today = shanghai(context.clock()).date()
    if any(line.compared_at and shanghai(line.compared_at).date() == today for line in days):
        return DailyComparison(0)
    return DailyComparison(len(compare(context, source_id).days))


def tell(context: Context, source_id: str, told: str) -> None:
    """The county's own count, ``yyyy-MM-dd=n``: evaluations given on that day. Raises ``Rejected``."""
    context.source(source_id)
    day, _, number = told.partition("=")
    try:
        counted, when = int(number), date.fromisoformat(day)
    except ValueError as unreadable:
        raise Rejected("source.count_form", given=told) from unreadable
    with context.store.begin() as transaction:
        lives.tell(transaction, source_id, when.isoformat(), counted)


def _land_again(context: Context, rehearsed: Rehearsal) -> set[date]:
    """Copy the pages that wait, each with its moment of receipt; the local days of receipt."""
    source_id, inner, days = rehearsed.source.source, rehearsed.context, set[date]()
    with inner.store.begin() as transaction:
        version = sources.start(transaction, source_id, inner.clock()).cursor_version
    last: str | None = None
    for page, received_at in _waiting(context, source_id):
        then = replace(inner, clock=lambda moment=received_at: moment)  # type: ignore[misc]
        made = landing(then, source_id, page, last)
        with inner.store.begin() as transaction:
            pages.land(transaction, [made], page.cursor, version)
        last, version = made.page_id, version + 1
        days.add(shanghai(received_at).date())
    return days


def _waiting(context: Context, source_id: str) -> Iterator[tuple[Page, datetime]]:
    for page in landed_pages(context.store, source_id, waiting=True):
        body = opened(context, page.head)
        yield Page(body, page.head.media_type, page.origin, "{}", page.declared), page.head.received_at


def _days(rehearsed: Rehearsal, received: set[date], version: str, now: datetime) -> list[ShadowDay]:
    source_id = rehearsed.source.source
    with rehearsed.context.store.read() as transaction:
        window = Window(source_id, utc_naive(now - LONG_AGO), utc_naive(now + timedelta(days=1)))
        rows = conformance.ledger_rows(transaction, window)
        given = Counter(shanghai(row.event_at).date() for row in rows if row.kind == "evaluation")
        found = []
        for day in sorted({*received, *given}):
            line = ShadowDay(day.isoformat(), evaluations=given[day], rule_version=version, compared_at=now)
            for counts in figures.source_counts(transaction, *day_bounds(day), source_id):
                line = line._replace(
                    pages=counts.pages,
                    landed=counts.landed,
                    stored=counts.stored,
                    quarantined=counts.quarantined,
                    duplicate=counts.duplicate,
                )
            found.append(line)
    return found
