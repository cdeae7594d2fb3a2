"""One evaluator's mark on very many ratings of a source in a day, whatever the departments."""

from __future__ import annotations

from collections import defaultdict

from gateway.domain.integrity.observation import Observation
from gateway.domain.integrity.thresholds import DetectorRule
from gateway.domain.integrity.wide.wide_signal import Tallied, WideSignal
from gateway.domain.rate import Rate, summed

SLOTS = 1 << 24  # a byte each
SELDOM = 10  # a person's ratings in a window, before their days are counted one by one


class RepeatEvaluator:
    """Marks are counted in slots that several may share; those that come often are counted exactly from then on.

    So the count is never too high, and too low by ``SELDOM`` at most. The mark itself is not told.
    """

    def __init__(self, rule: DetectorRule) -> None:
        self._rule = rule
        self._size = 0
        self._slots = bytearray(SLOTS)
        self._often: defaultdict[bytes, defaultdict[int, Tallied]] = defaultdict(lambda: defaultdict(Tallied))

    def add(self, one: Observation) -> None:
        if one.mark is None:
            return
        self._size += 1
        slot = int.from_bytes(one.mark[:8]) % SLOTS
        if self._slots[slot] < SELDOM:
            self._slots[slot] += 1
        else:
            self._often[one.mark][one.day].add(one)

    def signals(self) -> list[WideSignal] | None:
        if self._size < self._rule["source"]["minimum"]:
            return None
        signals = []
        for days in self._often.values():
            busy = [seen for seen in days.values() if seen.count > self._rule["source"]["count"]]
            if busy:
                signals.append(self._signal(busy))
        return sorted(signals, key=lambda signal: -signal.affected)

    def _signal(self, busy: list[Tallied]) -> WideSignal:
        count = sum(seen.count for seen in busy)
        observed = {"count": count, "days": len(busy), "most_in_a_day": max(seen.count for seen in busy)}
        rate: Rate = summed(seen.rate for seen in busy)
        return WideSignal(observed, self._size, count, rate, [key for seen in busy for key in seen.keys][:20])
