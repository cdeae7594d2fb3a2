"""The integrity report (数据真实性报告): what the latest checks found, per source and region, with evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gateway.domain.integrity import Finding
from gateway.domain.rate import Rate
from gateway.domain.region import within
from gateway.reports.rates import RegionRates, SourceRates, region_rates, source_rates
from gateway.store import Store, Transaction, integrity
from gateway.store.integrity import Run


class HasStore(Protocol):
    """All that a report needs of the context."""

    @property
    def store(self) -> Store: ...


@dataclass(frozen=True, slots=True)
class SourceReport:
    """One source: its rates with and without flagged groups, and the findings."""

    rates: SourceRates
    regions: list[RegionRates]
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """A period's report. ``runs``: the checks that it rests on, the latest first; none: nobody has checked yet."""

    since: datetime
    until: datetime
    runs: list[Run]
    sources: list[SourceReport]


def findings_for(context: HasStore, source_id: str | None, since: datetime, until: datetime) -> list[Finding]:
    """What the latest checks found in ``[since, until)`` (aware), of one source or of all.

    A later check of the same source takes the place of an earlier one where it covers at least half of a finding's
    window, so that nothing is told twice and nothing that was found is lost; all runs stay stored.
    """
    with context.store.read() as transaction:
        return findings_in(transaction, source_id, since, until)


def integrity_report(
    context: HasStore, since: datetime, until: datetime, sources: Sequence[str], area_code: str | None = None
) -> IntegrityReport:
    """The report of ``sources`` (ids) and, if given, of one region: twelve digits, province to village."""
    with context.store.read() as transaction:
        reports = []
        for source_id in sources:
            found = findings_in(transaction, source_id, since, until)
            inside = [one for one in found if area_code is None or _concerns(one, area_code)]
            rates = source_rates(transaction, source_id, since, until, inside, area_code)
            regions = region_rates(transaction, source_id, since, until, area_code)
            reports.append(SourceReport(rates, regions, inside))
        only = sources[0] if len(sources) == 1 else None
        return IntegrityReport(since, until, integrity.runs(transaction, only, since, until), reports)


def _concerns(finding: Finding, region: str) -> bool:
    """Is it about a place in ``region``, about a department that serves it too, or about the source as a whole?"""
    area = finding.area_code
    return area is None or within(area, region) or within(region, area)


def document(report: IntegrityReport) -> dict[str, Any]:
    """The report as one JSON-ready object; moments as they are."""
    return {
        "since": report.since,
        "until": report.until,
        "runs": [
            {
                "run_id": run.run_id,
                "checked_at": run.checked_at,
                "since": run.since,
                "until": run.until,
                "source": run.source_id,
                "thresholds": run.thresholds_version,
                "evaluations": run.evaluations,
                "coverage": {
                    name: {"assessed": assessed, "not_assessed": not_assessed}
                    for name, (assessed, not_assessed) in run.coverage.items()
                },
            }
            for run in report.runs
        ],
        "sources": [
            {
                "source": one.rates.source_id,
                "rate": rate_document(one.rates.rate),
                "rate_effective": rate_document(one.rates.effective),
                "ineffective": rate_document(one.rates.ineffective),
                "rate_without_flagged": rate_document(one.rates.without_flagged),
                "flagged_groups": one.rates.flagged_groups,
                "default": rate_document(one.rates.default),
                "unknown": rate_document(one.rates.unknown),
                "regions": [
                    {
                        "area_code": place.area_code,
                        "rate": rate_document(place.rate),
                        "default": rate_document(place.default),
                        "unknown": rate_document(place.unknown),
                    }
                    for place in one.regions
                ],
                "findings": [finding_document(finding) for finding in one.findings],
            }
            for one in report.sources
        ],
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    """One finding as one JSON-ready object."""
    return {
        "detector": finding.detector,
        "detector_version": finding.detector_version,
        "source": finding.source_id,
        "dept_code": finding.dept_code,
        "area_code": finding.area_code,
        "period": finding.period,
        "since": finding.since,
        "until": finding.until,
        "threshold": finding.threshold,
        "observed": finding.observed,
        "group_size": finding.group_size,
        "affected": finding.affected,
        "share": round(finding.share, 4),
        "record_keys": list(finding.record_keys),
        "rate": rate_document(finding.rate),
        "rate_without": rate_document(finding.rate_without),
    }


def rate_document(rate: Rate) -> dict[str, Any]:
    """Numerator, denominator and per cent; ``null`` where there is no data."""
    return {**rate._asdict(), "percent": None if rate.percent is None else round(rate.percent, 2)}


def findings_in(transaction: Transaction, source_id: str | None, since: datetime, until: datetime) -> list[Finding]:
    """:func:`findings_for` within a transaction that is open already."""
    told: list[Finding] = []
    newer: list[Run] = []
    for run in integrity.runs(transaction, source_id, since, until):
        found = integrity.findings(transaction, run.run_id, source_id, since, until)
        told += [one for one in found if not any(_replaces(later, one) for later in newer)]
        newer.append(run)
    return told


def _replaces(run: Run, finding: Finding) -> bool:
    if run.source_id not in (None, finding.source_id):
        return False
    common = min(run.until, finding.until) - max(run.since, finding.since)
    return common * 2 >= finding.until - finding.since
