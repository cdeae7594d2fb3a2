"""This period beside the one before (与上期比较). Shares of fewer than 30 records are not compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from gateway.reports.conformance.document import Change, Facts
from gateway.reports.conformance.lateness import share

FEWEST = 30
Figure = float | int | None


class _Line(NamedTuple):
    figure: str
    unit: Literal["count", "share", "seconds"]
    value: Callable[[Facts], Figure]
    base: Callable[[Facts], int]  # records that it is said of
    more_is_better: bool | None = None


def compare(now: Facts, before: Facts) -> list[Change]:
    return [_change(line, now, before) for line in _LINES]


def _change(line: _Line, now: Facts, before: Facts) -> Change:
    current, former = line.value(now), line.value(before)
    too_few = line.unit != "count" and min(line.base(now), line.base(before)) < FEWEST
    delta = None if too_few or current is None or former is None or not before.intake.pages else current - former
    return Change(
        figure=line.figure,
        unit=line.unit,
        now=current,
        before=former,
        delta=delta if delta is None else round(delta, 6),
        better=None if not delta or line.more_is_better is None else (delta > 0) == line.more_is_better,
        too_few=too_few,
    )


def _landed(facts: Facts) -> int:
    return facts.intake.landed


def _lag(facts: Facts, name: Literal["median", "p90"]) -> int | None:
    value: int | None = getattr(facts.timeliness[1], name)
    return value


def _required(facts: Facts) -> Figure:
    required = [line for line in facts.coverage if line.need == "R"]
    return share(sum(line.filled for line in required), sum(line.records + line.missing for line in required))


def _evaluations(facts: Facts) -> int:
    return facts.intake.evaluations


def _rated(facts: Facts) -> int:
    return facts.ratings.active


_LINES = (
    _Line("landed", "count", _landed, _landed),
    _Line("stored", "count", lambda facts: facts.intake.stored, _landed),
    _Line("quarantined", "count", lambda facts: facts.intake.quarantined, _landed),
    _Line("error_share", "share", lambda facts: share(facts.intake.quarantined, _landed(facts)), _landed, False),
    _Line("duplicate_share", "share", lambda facts: share(facts.intake.duplicate, _landed(facts)), _landed, False),
    _Line("required_share", "share", _required, _landed, True),
    _Line("evaluations", "count", _evaluations, _evaluations),
    _Line("default_share", "share", lambda facts: share(facts.ratings.default, _evaluations(facts)), _evaluations),
    _Line("negative", "count", lambda facts: facts.ratings.negative, _rated),
    _Line("positive_rate", "share", lambda facts: facts.ratings.positive_rate, _rated),
    _Line("median_lag", "seconds", lambda facts: _lag(facts, "median"), _evaluations, False),
    _Line("p90_lag", "seconds", lambda facts: _lag(facts, "p90"), _evaluations, False),
    _Line("timely", "share", lambda facts: facts.timeliness[1].timely, _evaluations, True),
)
