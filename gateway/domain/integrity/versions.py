"""What changed between one delivery of a record and the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from gateway.domain.integrity.thresholds import DetectorRule


class Pair(NamedTuple):
    """One key told twice, by two sources or in two versions; seconds by which the second time is later."""

    record_key: str
    dept_code: str | None
    difference: int


class Change(NamedTuple):
    """Two successive versions of one evaluation."""

    record_key: str
    dept_code: str | None
    old_version: int
    new_version: int
    old_satisfaction: int
    new_satisfaction: int
    withdrawn: bool  # the new version takes it back (D)


class Redelivered(NamedTuple):
    """A landed page of evaluations, and how much of it later pulls brought again."""

    page_id: str
    evaluations: int
    repeated: int
    absent_negatives: Sequence[tuple[str, str | None]]  # key and department of negatives not brought again


def time_shift(pairs: Sequence[Pair], field: str, rule: DetectorRule) -> dict[str, Any] | None:
    """One constant, non-zero difference in nearly all pairs: the facts; empty when there is none; None: too few."""
    if len(pairs) < rule.minimum:
        return None
    difference, count = Counter(pair.difference for pair in pairs).most_common(1)[0]
    if difference == 0 or count < rule["share"] * len(pairs):
        return {}
    return {"difference_seconds": difference, "field": field, "count": count}


def wide_time_shift(pairs: Sequence[Pair], field: str, rule: DetectorRule) -> dict[str, Any] | None:
    """The same over all departments of a source: one non-zero difference among many honest corrections."""
    values = rule["source"]
    if len(pairs) < values["minimum"]:
        return None
    shifts = Counter(pair.difference for pair in pairs if pair.difference).most_common(1)
    if not shifts or shifts[0][1] < max(values["count"], values["share"] * len(pairs)):
        return {}
    return {"difference_seconds": shifts[0][0], "field": field, "count": shifts[0][1]}


def missing_negative(
    changes: Iterable[Change], pages: Iterable[Redelivered], rule: DetectorRule
) -> list[tuple[str | None, str, dict[str, Any]]]:
    """(department, key, facts) of every negative evaluation that rose, was taken back, or is absent from a later pull.

    Absence is evidence only where a later pull brought nearly all of the same page again.
    """
    found: list[tuple[str | None, str, dict[str, Any]]] = []
    for change in changes:
        if change.old_satisfaction <= 2 and (change.withdrawn or change.new_satisfaction > change.old_satisfaction):
            facts = {
                "how": "withdrawn" if change.withdrawn else "rose",
                "versions": [change.old_version, change.new_version],
                "satisfaction": [change.old_satisfaction, change.new_satisfaction],
            }
            found.append((change.dept_code, change.record_key, facts))
    for page in pages:
        if page.evaluations >= rule.minimum and page.repeated >= rule["repeated_share"] * page.evaluations:
            for record_key, dept_code in page.absent_negatives:
                found.append((dept_code, record_key, {"how": "absent"}))
    return found
