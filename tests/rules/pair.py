"""A rule as examples: what is good at its edge, and what is bad beyond it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.mapping import Mapping as Compiled
from tests.rules.ground import of, plain, resolved


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


def at(clock: str) -> str:
    return f"2026-11-20 {clock}"


def check(pair: Pair) -> None:
    using = pair.using
    base = {"task_code": "511A-1", "task_handle_item": ""} if using is resolved else {}
    problem = {(pair.code, pair.field)}
    for changes in pair.good:
        found = of(pair.kind, {**base, **changes}, using)
        assert (found.errors, found.warnings & problem) == (set(), set()), changes
    for changes in pair.bad:
        found = of(pair.kind, {**base, **changes}, using)
        if pair.severity == "E":
            assert found.errors == problem, changes
            assert found.outcome.records == [], changes
        else:
            assert (found.errors, found.warnings) == (set(), problem), changes
            assert found.service, changes
