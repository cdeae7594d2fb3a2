"""Figures that a source publishes itself (来源公布的数字), beside those recomputed from raw events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from gateway.domain.integrity.thresholds import DetectorRule
from gateway.domain.rate import Rate


class SourceFigure(NamedTuple):
    """One published figure: of a source, or of one of its departments, for ``[first, last]`` local days."""

    source_id: str
    dept_code: str | None
    first: date
    last: date
    positive: int | None
    rated: int | None
    rate: Decimal | None  # per cent, as printed

    @property
    def value(self) -> Fraction | None:
        """Per cent: as printed, else positive of rated; none when neither is given."""
        if self.rate is not None:
            return Fraction(self.rate)
        return Fraction(100 * self.positive, self.rated) if self.positive is not None and self.rated else None


class Recomputed(NamedTuple):
    """The same place and period from raw events."""

    counted: Rate  # active and agent-recorded: the published rule
    everything: Rate  # defaults and unknown origin too
    unrated: int  # services without a rating (不评价)


def unrated_as_good(figure: SourceFigure, own: Recomputed, rule: DetectorRule) -> dict[str, Any] | None:
    """The source counts those as good who gave no rating at all. Facts; empty: no; None: nothing to compare."""
    if figure.positive is None or own.unrated < rule["unrated"]:
        return None
    for name, rate in _sets(own):
        if figure.positive == rate.positive + own.unrated:
            return {"source": figure.positive, "set": name, "recomputed": rate.positive, "unrated": own.unrated}
    return {}


def figure_mismatch(figure: SourceFigure, own: Recomputed, rule: DetectorRule) -> dict[str, Any] | None:
    """The rates differ, or numerator and denominator are of different sets. Facts; empty: no; None: nothing to tell."""
    published, recomputed = figure.value, own.counted.value
    if published is None or recomputed is None:
        return None
    facts = {
        "source": {"positive": figure.positive, "rated": figure.rated, "percent": round(float(published), 4)},
        "recomputed": {**own.counted._asdict(), "percent": round(float(recomputed * 100), 4)},
    }
    mixed = _mixed(figure, own)
    if mixed:
        return facts | {"sets": mixed}
    difference = abs(published - recomputed * 100)
    if difference <= Fraction(str(rule["points"])):
        return {}
    return facts | {"difference_points": round(float(difference), 4)}


def constant_rate(series: Sequence[tuple[SourceFigure, Recomputed]], rule: DetectorRule) -> dict[str, Any] | None:
    """Exactly 100 % in period after period, while the raw events give another value."""
    told = [(figure, own) for figure, own in series if figure.value is not None and own.counted.rated]
    if len(told) < rule["periods"]:
        return None
    full = [(figure, own) for figure, own in told if figure.value == 100 and own.counted.value != 1]
    if len(full) < rule["periods"]:
        return {}
    return {
        "periods": len(full),
        "series": [
            {"from": figure.first.isoformat(), "to": figure.last.isoformat(), "source": 100, **own.counted._asdict()}
            for figure, own in full
        ],
    }


def _sets(own: Recomputed) -> tuple[tuple[str, Rate], ...]:
    return ("counted", own.counted), ("everything", own.everything)


def _mixed(figure: SourceFigure, own: Recomputed) -> dict[str, str] | None:
    """Numerator of one set over the denominator of another; or a numerator that its denominator can't hold."""
    if figure.positive is None or figure.rated is None:
        return None
    if figure.positive > figure.rated:
        return {"numerator": "unknown", "denominator": "unknown"}
    numerators = {name for name, rate in _sets(own) if rate.positive == figure.positive}
    denominators = {name for name, rate in _sets(own) if rate.rated == figure.rated}
    if not numerators or not denominators or numerators & denominators:
        return None
    return {"numerator": min(numerators), "denominator": min(denominators)}
