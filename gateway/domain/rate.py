"""The positive rate (好评率): numerator and denominator kept, never a percentage out of nothing.

Rule: only active (主动) and agent-recorded (代录) evaluations count; defaults and evaluations of unknown origin are
figures of their own. An empty denominator is "no data", neither 0 nor 100 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

POSITIVE = 3  # satisfaction from here up is positive (好评)
COUNTED = frozenset({"active", "agent_recorded"})


class Rate(NamedTuple):
    """``positive`` of ``rated`` evaluations."""

    positive: int = 0
    rated: int = 0

    @property
    def value(self) -> Fraction | None:
        """Exact; none when nothing was rated."""
        return Fraction(self.positive, self.rated) if self.rated else None

    @property
    def percent(self) -> float | None:
        """Of 100, for display only."""
        return None if self.value is None else float(self.value * 100)

    def less(self, other: Rate) -> Rate:
        """Without those counted in ``other``."""
        return Rate(self.positive - other.positive, self.rated - other.rated)


def counts(origin: str | None) -> bool:
    """Does an evaluation of this ``evaluation_origin`` enter the rate?"""
    return origin in COUNTED


def counted(by_origin: Mapping[str, Rate]) -> Rate:
    """The rate of the published rule, from rates by origin."""
    return summed(rate for origin, rate in by_origin.items() if counts(origin))


def summed(rates: Iterable[Rate]) -> Rate:
    positive = rated = 0
    for rate in rates:
        positive, rated = positive + rate.positive, rated + rate.rated
    return Rate(positive, rated)
