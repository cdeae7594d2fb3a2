"""One text in many negative evaluations of a whole source."""

from __future__ import annotations

from collections import defaultdict

from gateway.domain.integrity.observation import Observation
from gateway.domain.integrity.thresholds import DetectorRule
from gateway.domain.integrity.wide.wide_signal import Tallied, WideSignal
from gateway.domain.rate import POSITIVE


class StockText:
    """One entry for each different text, known by its keyed digest alone."""

    def __init__(self, rule: DetectorRule) -> None:
        self._rule = rule
        self._negatives = 0
        self._texts: defaultdict[bytes, Tallied] = defaultdict(Tallied)

    def add(self, one: Observation) -> None:
        if one.satisfaction < POSITIVE:
            self._negatives += 1
            if one.text:
                self._texts[one.text].add(one)

    def signals(self) -> list[WideSignal] | None:
        values = self._rule["source"]
        if self._negatives < values["minimum"]:
            return None
        least = max(values["count"], values["share"] * self._negatives)
        return [
            WideSignal(
                {"text": text.hex()[:16], "count": seen.count}, self._negatives, seen.count, seen.rate, seen.keys
            )
            for text, seen in self._texts.items()
            if seen.count >= least
        ]
