"""Positive rates (好评率) of a source and period, recomputed from raw events: numerator and denominator kept.

Only active and agent-recorded evaluations count; defaults and unknown origins are rows of their own. No data is no
data: an empty denominator has no value. Rule: data integrity, own conduct (3) and (4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.integrity import Finding
from gateway.domain.rate import Rate, counted
from gateway.store import Transaction, observations

Left = tuple[str | None, datetime, datetime]  # department (none: all), since, until


@dataclass(frozen=True, slots=True)
class SourceRates:
    """One source's rates; ``without_flagged``: the groups of its findings left out. The headline is ``rate``."""

    source_id: str
    rate: Rate
    default: Rate
    unknown: Rate
    without_flagged: Rate
    flagged_groups: int


def source_rates(
    transaction: Transaction, source_id: str, since: datetime, until: datetime, findings: Sequence[Finding] = ()
) -> SourceRates:
    """The rates of evaluations given in ``[since, until)`` (aware), with and without the groups of ``findings``."""
    by_origin = observations.origin_rates(transaction, since, until, source_id)
    groups = flagged_groups(findings, source_id)
    without = by_origin
    if groups:
        without = observations.origin_rates(transaction, since, until, source_id, left_out=groups)
    return SourceRates(
        source_id=source_id,
        rate=counted(by_origin),
        default=by_origin.get("default", Rate()),
        unknown=by_origin.get("unknown", Rate()),
        without_flagged=counted(without),
        flagged_groups=len(groups),
    )


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
