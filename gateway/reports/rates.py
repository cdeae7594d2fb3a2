"""Positive rates (好评率) of a source and period, recomputed from raw events: numerator and denominator kept.

Only active and agent-recorded evaluations count; defaults and unknown origins are rows of their own. What an upheld
appeal marks as not effective counts, and is shown without it beside. No data is no data: an empty denominator has no
value. Rule: data integrity, own conduct (3) to (5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.integrity import Finding
from gateway.domain.rate import Rate, counted, summed
from gateway.domain.region import at_level, finer, within
from gateway.store import Transaction, observations

Left = tuple[str | None, datetime, datetime]  # department (none: all), since, until


@dataclass(frozen=True, slots=True)
class SourceRates:
    """One source's rates; ``without_flagged``: the groups of its findings left out; ``ineffective``: those of ``rate``
    that an upheld appeal marked so, and which still count in it. The headline is ``rate``.
    """

    source_id: str
    rate: Rate
    ineffective: Rate
    default: Rate
    unknown: Rate
    without_flagged: Rate
    flagged_groups: int

    @property
    def effective(self) -> Rate:
        """The headline without what is marked as not effective."""
        return self.rate.less(self.ineffective)


@dataclass(frozen=True, slots=True)
class RegionRates:
    """One region's rates within a source; ``area_code`` 12 digits, none where the records name none."""

    area_code: str | None
    rate: Rate
    default: Rate
    unknown: Rate


def source_rates(
    transaction: Transaction,
    source_id: str,
    since: datetime,
    until: datetime,
    findings: Sequence[Finding] = (),
    region: str | None = None,
) -> SourceRates:
    """The rates of evaluations given in ``[since, until)`` (aware), with and without the groups of ``findings``.

    ``region``: of its places alone, 12 digits.
    """
    by_origin = observations.origin_rates(transaction, since, until, source_id, region=region)
    groups = flagged_groups(findings, source_id)
    without = by_origin
    if groups:
        without = observations.origin_rates(transaction, since, until, source_id, left_out=groups, region=region)
    marked = observations.origin_rates(transaction, since, until, source_id, region=region, ineffective=True)
    return SourceRates(
        source_id=source_id,
        rate=counted(by_origin),
        ineffective=counted(marked),
        default=by_origin.get("default", Rate()),
        unknown=by_origin.get("unknown", Rate()),
        without_flagged=counted(without),
        flagged_groups=len(groups),
    )


def region_rates(
    transaction: Transaction, source_id: str, since: datetime, until: datetime, region: str | None = None
) -> list[RegionRates]:
    """The same by region: the level below ``region``, or the counties; places without a code have none."""
    by_region: defaultdict[str | None, defaultdict[str, list[Rate]]] = defaultdict(lambda: defaultdict(list))
    for (area, origin), rate in observations.area_rates(transaction, since, until, source_id).items():
        if region is None or (area is not None and within(area, region)):
            place = None if area is None else at_level(area, finer(region))
            by_region[place][origin].append(rate)
    return [
        RegionRates(area, counted(rates), rates.get("default", Rate()), rates.get("unknown", Rate()))
        for area, listed in sorted(by_region.items(), key=lambda item: item[0] or "")
        for rates in [{origin: summed(each) for origin, each in listed.items()}]
    ]


def flagged_groups(findings: Sequence[Finding], source_id: str) -> list[Left]:
    """The departments and windows in which something was found; windows of one department joined.

    Findings about a source as a whole or about a published figure name no group that could be left out.
    """
    found = sorted(
        (one.dept_code, one.since, one.until)
        for one in findings
        if one.source_id == source_id and one.dept_code is not None and one.period != "figure"
    )
    joined: list[tuple[str, datetime, datetime]] = []
    for dept, since, until in found:
        if joined and joined[-1][0] == dept and since <= joined[-1][2]:
            joined[-1] = (dept, joined[-1][1], max(until, joined[-1][2]))
        else:
            joined.append((dept, since, until))
    return list(joined)
