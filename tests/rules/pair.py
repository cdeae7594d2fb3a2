"""A rule as examples: what is good at its edge, and what is bad beyond it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.mapping import Mapping as Compiled
from gateway.mapping.text import tidy
from schemas.conditions import conflicts
from tests.rules.ground import GOOD, of, plain, resolved


class Pair(NamedTuple):
    """``good`` brings no error and not this problem; each of ``bad`` brings exactly it, E unless marked as W."""

    name: str
    kind: str
    good: list[dict[str, Any]]
    bad: list[dict[str, Any]]
    code: str
    field: str
    severity: str = "E"
    using: Callable[[], Compiled] = plain


BETWEEN = frozenset(  # what attributes demand of each other stands in schemas/conditions.py as well
    [
        "evaluation.negative_without_detail",
        "evaluation.default_origin_conflict",
        "indicator.level_mismatch",
        "time.order",
        "status.date_missing",
        "item.handle_prefix",
        "identity.missing",
        "agent.incomplete",
    ]
)


def _contradicts(pair: Pair, changes: dict[str, Any]) -> bool:
    """Does the record as it was sent contradict itself, whoever reads it? The plain source's values are canonical."""
    sent = {
        **GOOD[pair.kind],
        **{name: tidy(value) if isinstance(value, str) else value for name, value in changes.items()},
    }
    return pair.using is not plain or (pair.code, pair.field) in conflicts(pair.kind, sent)  # type: ignore[arg-type]


def at(clock: str) -> str:
    return f"2026-11-20 {clock}"


def check(pair: Pair) -> None:
    using = pair.using
    base = {"task_code": "511A-1", "task_handle_item": ""} if using is resolved else {}
    problem = {(pair.code, pair.field)}
    for changes in pair.good:
        found = of(pair.kind, {**base, **changes}, using)
        assert (found.errors, found.warnings & problem) == (set(), set()), changes
        for record in found.outcome.records:
            assert conflicts(record.kind, {**record.content, **record.personal}) == [], changes  # type: ignore[arg-type]
    for changes in pair.bad:
        found = of(pair.kind, {**base, **changes}, using)
        if pair.severity == "E":
            assert found.errors == problem, changes
            assert found.outcome.records == [], changes
            assert pair.code not in BETWEEN or _contradicts(pair, changes), changes
        else:
            assert (found.errors, found.warnings) == (set(), problem), changes
            assert found.service, changes
