"""Figures that sources publish, beside those recomputed from raw events (figures are never taken over)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from gateway.domain.integrity import Recomputed, SourceFigure, constant_rate, figure_mismatch, unrated_as_good
from gateway.domain.moments import day_bounds, shanghai
from gateway.domain.rate import counted, summed
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
    with context.store.read() as transaction:
        for figure in integrity.source_figures(transaction, source_id, first, last):
            series[figure.source_id, figure.dept_code].append((figure, _recomputed(transaction, figure)))
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


def _recomputed(transaction: Transaction, figure: SourceFigure) -> Recomputed:
    since, until = day_bounds(figure.first)[0], day_bounds(figure.last)[1]
    place = (since, until, figure.source_id, figure.dept_code)
    by_origin = observations.origin_rates(transaction, *place)
    return Recomputed(counted(by_origin), summed(by_origin.values()), observations.unrated(transaction, *place))


def _whole_days(since: datetime, until: datetime) -> tuple[date, date]:
    """The first and the last local day that lie wholly in ``[since, until)``."""
    first, end = shanghai(since).date(), shanghai(until).date()
    if day_bounds(first)[0] < since:
        first += timedelta(days=1)
    return first, end - timedelta(days=1)
