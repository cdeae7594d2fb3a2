"""The dry run (空跑): a day of a source through the whole way in, nothing stored, and its conformance report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from connectors.starting import starting
from gateway.connector import Connector, Page
from gateway.domain.moments import day_bounds, shanghai
from gateway.errors import GatewayError, Rejected
from gateway.mapping import Mapping
from gateway.onboarding.rehearsal import Given, LookOnly, rehearsal
from gateway.reports.conformance import Document, Limits
from gateway.stages.context import Context
from gateway.stages.mapped_page import opened
from gateway.store import lives
from gateway.store.landed import landed_pages
from gateway.store.lives import DryRun
from schemas.source import SourceFile

CSV = "text/csv"
PUSHED = "inbox"  # this kind has nothing to pull: what it sent is looked at instead
MEDIA_TYPES = {
    ".json": "application/json",
    ".csv": CSV,
    ".xml": "application/xml",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xls": "application/vnd.ms-excel",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """What a dry run found. ``report`` is none when the source had nothing."""

    source_id: str
    day: date
    from_that_day: bool  # false: its kind can't be asked by time; its first pages were taken
    pages: int
    landed: int
    refused: int  # of landed, without those that only wait for their case
    report: Document | None

    @property
    def share(self) -> float | None:
        return self.refused / self.landed if self.landed else None


def dry_run(context: Context, source_id: str, day: date, most_pages: int, limits: Limits, file: Path | None) -> Tried:
    """Rehearse ``day`` (local) of a source, at most ``most_pages``, or a saved ``file`` of it; noted for the gate.

    Raises what pulling and mapping raise; ``Rejected('source.sample_form')`` for a file of no known form.
    """
    source = context.source(source_id)
    begun = starting(source, day_bounds(day)[0]) if file is None else None
    mapping = context.mapping(source_id)

    def connector() -> Connector:
        if file is not None:
            return Given([saved(file, source)])
        if source.connector == PUSHED:
            return Given(_pushed(context, source_id, day))
        built = context.build_connector(begun or source)
        return LookOnly(built, lambda pages: islice(_upto(pages, mapping, day, context.clock()), most_pages))

    with rehearsal(context, source, connector) as rehearsed:
        pulled = rehearsed.pull()
        counts = rehearsed.normalise()
        report = rehearsed.report(limits) if counts.landed else None
    waits = 0 if report is None else sum(cause.records for cause in report.facts.problems if cause.severity == "H")
    tried = Tried(
        source_id, day, begun is not None, pulled.pages, counts.landed, max(0, counts.quarantined - waits), report
    )
    with context.store.begin() as transaction:
        ran = DryRun(mapping.version, tried.landed, tried.refused, context.clock())
        lives.note_dry_run(transaction, source_id, ran)
    return tried


def saved(file: Path, source: SourceFile) -> Page:
    """A body that somebody saved, as a page of ``source``. Its name must not say anything personal."""
    media_type = MEDIA_TYPES.get(file.suffix.lower())
    if media_type is None:
        raise Rejected("source.sample_form", file=file.name, known=" ".join(MEDIA_TYPES))
    if media_type == CSV and (delimiter := source.options.get("delimiter")):
        media_type = f"{CSV}; delimiter={delimiter}"
    return Page(file.read_bytes(), media_type, file.name, "{}")


def _pushed(context: Context, source_id: str, day: date) -> Iterator[Page]:
    for page in landed_pages(context.store, source_id, *day_bounds(day), waiting=False):
        yield Page(opened(context, page.head), page.head.media_type, page.origin, "{}", page.declared)


def _upto(pages: Iterable[Page], mapping: Mapping, day: date, now: datetime) -> Iterator[Page]:
    """Pages until one ends beyond ``day``: sources write a record after what it tells has happened."""
    for page in pages:
        yield page
        if _last_day(page, mapping, day, now) > day:
            return


def _last_day(page: Page, mapping: Mapping, unknown: date, now: datetime) -> date:
    """The earliest day that the page's last record tells of; ``unknown`` where it can't be read."""
    try:
        items: list[Any] = mapping.decode(page.body, page.media_type)
        told = mapping.apply(items[-1], now).records if items else []
    except GatewayError:
        return unknown
    return min((shanghai(record.event_at).date() for record in told), default=unknown)
