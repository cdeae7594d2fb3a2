"""What the integrity checks say of the report's source and days, as the report shows it."""

from __future__ import annotations

from datetime import datetime

from gateway.domain import integrity as found
from gateway.domain import mask
from gateway.domain.moments import day_bounds, shanghai
from gateway.domain.rate import Rate
from gateway.mapping import Masters
from gateway.reports.conformance.document import Check, Finding, Period, PositiveRate
from gateway.reports.findings import sentence, title
from gateway.reports.integrity import findings_in
from gateway.store import Transaction
from gateway.store.integrity import runs


def checks_of(transaction: Transaction, source_id: str, period: Period) -> list[Check]:
    """The checks whose days meet ``period``, the latest first; empty: nobody has checked."""
    return [
        Check(
            run_id=run.run_id,
            checked_at=shanghai(run.checked_at),
            since=shanghai(run.since),
            until=shanghai(run.until),
            thresholds=run.thresholds_version,
            evaluations=run.evaluations,
            assessed=[name for name, (assessed, _) in run.coverage.items() if assessed],
            not_assessed=[name for name, (assessed, _) in run.coverage.items() if not assessed],
        )
        for run in runs(transaction, source_id, *_bounds(period))
    ]


def findings_of(transaction: Transaction, source_id: str, period: Period, masters: Masters) -> list[Finding]:
    """What they found, the most records first; record keys masked, since a source may number by a phone."""
    told = [_shown(one, masters) for one in findings_in(transaction, source_id, *_bounds(period))]
    return sorted(told, key=lambda one: (-one.records, one.detector, one.dept_code or "", one.since))


def _bounds(period: Period) -> tuple[datetime, datetime]:
    return day_bounds(period.first)[0], day_bounds(period.last)[1]


def _shown(one: found.Finding, masters: Masters) -> Finding:
    department = masters.organisations.get(one.dept_code or "")
    region = masters.regions.get(one.area_code or "")
    return Finding(
        detector=one.detector,
        detector_version=one.detector_version,
        severity="W",
        title=title(one, "zh"),
        title_en=title(one, "en"),
        summary=sentence(one, "zh"),
        summary_en=sentence(one, "en"),
        dept_code=one.dept_code,
        dept_name=department.name if department else "",
        area_code=one.area_code,
        area_name=region.name if region else "",
        since=shanghai(one.since),
        until=shanghai(one.until),
        threshold=one.threshold,
        records=one.affected,
        group_size=one.group_size,
        share=one.affected / one.group_size if one.group_size else None,
        rate=_rate(one.rate),
        rate_without=_rate(one.rate_without),
        record_keys=[mask.text(key) for key in one.record_keys],
    )


def _rate(rate: Rate) -> PositiveRate:
    return PositiveRate(
        positive=rate.positive, rated=rate.rated, share=None if rate.value is None else float(rate.value)
    )
