"""Patterns spread thinly over all departments of a source, where no single department's share is remarkable.

Counted while the source streams by, in memory that does not grow with it: one number for each second of lag, one
entry for each different text of a negative evaluation.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.domain.integrity.observation import DAY, Observation
from gateway.domain.integrity.thresholds import DetectorRule
from gateway.domain.rate import POSITIVE, Rate, counts

LONGEST = 3 * DAY
EVIDENCE_AFTER = 20  # a value is worth noting keys of once it came this often
KEYS = 20
MINUTE = 60


class WideSignal(NamedTuple):
    """One fact about a whole source."""

    observed: dict[str, Any]
    size: int
    affected: int
    rate: Rate  # of the affected records
    record_keys: list[str]


class SourceWide:
    """One source in one window."""

    def __init__(self) -> None:
        self.rate = Rate()
        self.lags = _Counted(LONGEST)
        self.negatives = 0
        self.texts: defaultdict[bytes, _Text] = defaultdict(_Text)

    def add(self, one: Observation) -> None:
        rated = counts(one.origin)
        positive = rated and one.satisfaction >= POSITIVE
        self.rate = Rate(self.rate.positive + positive, self.rate.rated + rated)
        if one.service is not None and 0 <= one.assess - one.service < LONGEST:
            self.lags.add(one.assess - one.service, one.record_key, positive, rated)
        if one.satisfaction < POSITIVE:
            self.negatives += 1
            if one.text:
                self.texts[one.text].add(one.record_key, rated)

    def fixed_lag(self, rule: DetectorRule) -> list[WideSignal] | None:
        """A lag that is far more frequent than the lags beside it; in minutes where the source knows no seconds."""
        values = rule["source"]
        if self.lags.size < values["minimum"]:
            return None
        unit = MINUTE if self.lags.multiples(MINUTE) * 2 >= self.lags.size else 1
        least = max(values["count"], values["share"] * self.lags.size)
        signals = []
        for lag in self.lags.peaks(unit, least, values["neighbours"], values["times_neighbours"]):
            count, rate, keys = self.lags.at(lag)
            observed = {"base": "service", "lag_seconds": lag, "count": count}
            signals.append(WideSignal(observed, self.lags.size, count, rate, keys))
        return signals

    def stock_text(self, rule: DetectorRule) -> list[WideSignal] | None:
        """One text in many of the source's negative evaluations."""
        values = rule["source"]
        if self.negatives < values["minimum"]:
            return None
        least = max(values["count"], values["share"] * self.negatives)
        return [
            WideSignal(
                {"text": text.hex()[:16], "count": seen.count},
                self.negatives,
                seen.count,
                Rate(0, seen.rated),
                seen.keys,
            )
            for text, seen in self.texts.items()
            if seen.count >= least
        ]


class _Text:
    def __init__(self) -> None:
        self.count = 0
        self.rated = 0
        self.keys: list[str] = []

    def add(self, record_key: str, rated: bool) -> None:
        self.count += 1
        self.rated += rated
        if self.count > EVIDENCE_AFTER and len(self.keys) < KEYS:
            self.keys.append(record_key)


class _Counted:
    """How often each whole number below ``longest`` came."""

    def __init__(self, longest: int) -> None:
        self.size = 0
        self._count = array("L", bytes(array("L").itemsize * longest))
        self._rated = array("L", bytes(array("L").itemsize * longest))
        self._positive = array("L", bytes(array("L").itemsize * longest))
        self._keys: defaultdict[int, list[str]] = defaultdict(list)

    def add(self, value: int, record_key: str, positive: bool, rated: bool) -> None:
        self.size += 1
        self._count[value] += 1
        self._rated[value] += rated
        self._positive[value] += positive
        if self._count[value] > EVIDENCE_AFTER and len(self._keys[value]) < KEYS:
            self._keys[value].append(record_key)

    def multiples(self, unit: int) -> int:
        return sum(self._count[::unit])

    def peaks(self, unit: int, least: float, neighbours: int, times: float) -> Iterator[int]:
        counted = self._count[::unit]
        for index, count in enumerate(counted):
            if count < least:
                continue
            beside = counted[max(0, index - neighbours) : index] + counted[index + 1 : index + 1 + neighbours]
            if count >= times * max(1.0, sum(beside) / len(beside)):
                yield index * unit

    def at(self, value: int) -> tuple[int, Rate, list[str]]:
        return self._count[value], Rate(self._positive[value], self._rated[value]), self._keys[value]
