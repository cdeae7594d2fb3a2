"""Figures that sources publish, beside those recomputed from raw events (figures are never taken over)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from gateway.domain.integrity import Recomputed, SourceFigure, constant_rate, figure_mismatch, unrated_as_good
from gateway.domain.moments import day_bounds, shanghai
from gateway.domain.rate import counts, summed
from gateway.stages.context import Context
from gateway.stages.integrity_finds import Finds, Group
from gateway.store import Transaction, integrity, observations

FIGURE = "figure"
UNRATED, MISMATCH, CONSTANT = "unrated_as_good", "figure_mismatch", "constant_rate"
Series = list[tuple[SourceFigure, Recomputed]]


def look_at_figures(context: Context, finds: Finds, since: datetime, until: datetime, source_id: str | None) -> None:
    """Judge every published figure whose days lie within ``[since, until)``."""
    first, last = _whole_days(since, until)
    series: defaultdict[tuple[str, str | None], Series] = defaultdict(list)
    periods: dict[tuple[date, date], _Period] = {}
    with context.store.read() as transaction:
        for figure in integrity.source_figures(transaction, source_id, first, last):
            of_period = periods.get((figure.first, figure.last)) or _Period(transaction, figure.first, figure.last)
            periods[figure.first, figure.last] = of_period
            series[figure.source_id, figure.dept_code].append((figure, of_period.recomputed(figure)))
    for told in series.values():
        for figure, own in told:
            _note(finds, UNRATED, [(figure, own)], unrated_as_good(figure, own, finds.thresholds[UNRATED]))
            _note(finds, MISMATCH, [(figure, own)], figure_mismatch(figure, own, finds.thresholds[MISMATCH]))
        _note(finds, CONSTANT, told, constant_rate(told, finds.thresholds[CONSTANT]))


def _note(finds: Finds, detector: str, told: Series, facts: dict[str, Any] | None) -> None:
    finds.judged(detector, facts is not None)
    if facts:
        (first, _), (last, _) = told[0], told[-1]
        since, until = day_bounds(first.first)[0], day_bounds(last.last)[1]
        group = Group(first.source_id, first.dept_code, None, FIGURE, since, until)
        rate = summed(own.counted for _, own in told)
        finds.add(detector, group, facts, rate.rated, 0, (), (rate, rate))


class _Period:
    """All sources' raw counts of one period: many figures share it."""

    def __init__(self, transaction: Transaction, first: date, last: date) -> None:
        bounds = day_bounds(first)[0], day_bounds(last)[1]
        self.rates = observations.all_rates(transaction, *bounds)
        self.unrated = observations.all_unrated(transaction, *bounds)

    def recomputed(self, figure: SourceFigure) -> Recomputed:
        def meant(source_id: str, dept_code: str | None) -> bool:
            return source_id == figure.source_id and figure.dept_code in (None, dept_code)

        own = [one for one in self.rates if meant(one.source_id, one.dept_code)]
        return Recomputed(
            counted=summed(one.rate for one in own if counts(one.origin)),
            everything=summed(one.rate for one in own),
            unrated=sum(services for place, services in self.unrated.items() if meant(*place)),
        )


def _whole_days(since: datetime, until: datetime) -> tuple[date, date]:
    """The first and the last local day that lie wholly in ``[since, until)``."""
    first, end = shanghai(since).date(), shanghai(until).date()
    if day_bounds(first)[0] < since:
        first += timedelta(days=1)
    return first, end - timedelta(days=1)
