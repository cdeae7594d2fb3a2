"""What is known of one source record while it is mapped: values, the item found, and every problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.mapping.outcome import Problem
from gateway.mapping.text import shown
from schemas.masters import Item


class Scope:
    """Collects; decides nothing. ``failed`` holds attributes that had a value which could not be used."""

    __slots__ = ("failed", "field", "handle_item", "item", "path", "problems", "severities", "values")

    def __init__(self, severities: Mapping[str, str]) -> None:
        self.severities = severities
        self.values: dict[str, Any] = {}
        self.failed: set[str] = set()
        self.problems: list[Problem] = []
        self.item: Item | None = None
        self.handle_item: str | None = None
        self.field = ""
        self.path = ""

    def report(self, code: str, raw: Any = None, remedy: str = "", severity: str | None = None) -> None:
        """Note a problem of the current attribute."""
        self.problems.append(
            Problem(code, severity or self.severities[code], self.field, self.path, shown(raw), remedy)
        )

    def fail(self, code: str, raw: Any = None, remedy: str = "") -> None:
        """Note a problem that leaves the current attribute without a value."""
        self.report(code, raw, remedy)
        self.failed.add(self.field)

    def of(self, field: str, path: str) -> Scope:
        """This scope, about to work on ``field``."""
        self.field, self.path = field, path
        return self

    @property
    def refused(self) -> bool:
        return any(problem.severity == "E" for problem in self.problems)
