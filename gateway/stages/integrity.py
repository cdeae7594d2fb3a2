"""Integrity check (数据真实性检查): look for patterns in the ledger and keep what was found. Nothing else is changed.

Rules: data integrity. A finding is a statistical fact about a group; a person decides what follows from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.integrity import Thresholds, load_thresholds
from gateway.errors import Rejected
from gateway.stages.context import Context
from gateway.stages.integrity_figures import look_at_figures
from gateway.stages.integrity_finds import Finds
from gateway.stages.integrity_groups import look_at_groups
from gateway.stages.integrity_sources import look_at_sources
from gateway.stages.integrity_versions import look_at_versions
from gateway.store import integrity

Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """Counts of one check."""

    run_id: str
    evaluations: int
    findings: int
    by_detector: dict[str, int]
    coverage: integrity.Coverage  # detector to groups assessed, groups not assessed


def check(
    context: Context,
    since: datetime,
    until: datetime,
    source_id: str | None = None,
    thresholds: Thresholds | None = None,
) -> IntegrityReport:
    """Run every detector over evaluations given in ``[since, until)`` (aware), of one source or of all.

    Groups are a source's departments, by local day and by 30 days counted from ``since``. May be repeated: each check
    is a run of its own, kept beside the earlier ones in one transaction; a kill leaves none of it. Raises
    ``Rejected('integrity.period_empty')``, ``Misconfigured('source.unknown')``, ``Transient`` from the store.
    """
    if until <= since:
        raise Rejected("integrity.period_empty")
    if source_id is not None:
        context.source(source_id)
    rules = thresholds or load_thresholds()
    finds = Finds(rules)
    for window in windows(since, until, rules.window_days):
        look_at_groups(context, finds, *window, source_id)
        look_at_sources(context, finds, *window, source_id)
    look_at_versions(context, finds, since, until, source_id)
    look_at_figures(context, finds, since, until, source_id)
    run = integrity.Run(
        *(integrity.new_run_id(), context.clock(), since, until, source_id),
        *(rules.version, finds.evaluations, finds.coverage()),
    )
    with context.store.begin() as transaction:
        integrity.add_run(transaction, run, finds.findings)
    by_detector = Counter(finding.detector for finding in finds.findings)
    return IntegrityReport(run.run_id, finds.evaluations, len(finds.findings), dict(by_detector), run.coverage)


def windows(since: datetime, until: datetime, days: int) -> Iterator[Window]:
    """``[since, until)`` in windows of ``days``, the last one shorter."""
    while since < until:
        end = min(since + timedelta(days=days), until)
        yield since, end
        since = end
