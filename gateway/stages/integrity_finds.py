"""What one check has found so far, and which groups it could judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from gateway.domain.integrity import DetectorRule, Finding, Thresholds
from gateway.domain.rate import Rate


class Group(NamedTuple):
    """Whose records are judged, and of which window; moments aware."""

    source_id: str
    dept_code: str | None
    area_code: str | None
    period: str
    since: datetime
    until: datetime


class Finds:
    """Collects findings and coverage; writes nothing."""

    def __init__(self, thresholds: Thresholds) -> None:
        self.thresholds = thresholds
        self.findings: list[Finding] = []
        self.evaluations = 0
        self._assessed: Counter[str] = Counter()
        self._not_assessed: Counter[str] = Counter()

    def judged(self, detector: str, assessed: bool) -> None:
        """Note that a group was assessed by ``detector``, or could not be."""
        (self._assessed if assessed else self._not_assessed)[detector] += 1

    def add(
        self,
        detector: str,
        group: Group,
        observed: dict[str, Any],
        size: int,
        affected: int,
        record_keys: Sequence[str] = (),
        rates: tuple[Rate, Rate] = (Rate(), Rate()),
        threshold: dict[str, Any] | None = None,
    ) -> None:
        """Note a finding; ``rates``: of the group, and of it without the affected records."""
        rule = self.thresholds[detector]
        self.findings.append(
            Finding(
                *(detector, rule.version, *group),
                *(threshold or shown(rule), observed, size, affected),
                *(tuple(record_keys[: self.thresholds.record_keys]), *rates),
            )
        )

    def coverage(self) -> dict[str, tuple[int, int]]:
        """Detector to groups assessed and groups not assessed."""
        return {name: (self._assessed[name], self._not_assessed[name]) for name in self.thresholds.rules}


def shown(rule: DetectorRule) -> dict[str, Any]:
    """The values that a finding quotes: those a person can compare, not whole tables."""
    return {"minimum": rule.minimum} | {
        name: value for name, value in rule.values.items() if isinstance(value, int | float)
    }
