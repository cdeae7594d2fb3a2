"""One combination of level, indicators and channel, without text, far more often than its parts let expect."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from math import prod

from gateway.domain.integrity.observation import Observation
from gateway.domain.integrity.thresholds import DetectorRule
from gateway.domain.integrity.wide.wide_signal import Tallied, WideSignal

Ticked = tuple[str, ...]  # indicators, ascending, at least one
Kind = tuple[int, str]  # level and channel
ROUNDS = 8


class ConstantDetail:
    """Two expectations, and the higher one must be exceeded by far.

    By choice: people tick indicators one by one, so a combination is as frequent as its indicators are elsewhere.
    By words: some of those who tick a combination also write; a program writes nothing.
    Evaluations without any indicator are most people's habit and show nothing here.
    """

    def __init__(self, rule: DetectorRule) -> None:
        self._rule = rule
        self._size = 0
        self._blank: defaultdict[Kind, defaultdict[Ticked, Tallied]] = defaultdict(lambda: defaultdict(Tallied))
        self._written: defaultdict[Kind, Counter[Ticked]] = defaultdict(Counter)

    def add(self, one: Observation) -> None:
        self._size += 1
        if not one.indicators:
            return
        kind = one.satisfaction, one.channel
        if one.blank:
            self._blank[kind][one.indicators].add(one)
        else:
            self._written[kind][one.indicators] += 1

    def signals(self) -> list[WideSignal] | None:
        values = self._rule["source"]
        if self._size < values["minimum"]:
            return None
        least = max(values["count"], values["share"] * self._size)
        signals = []
        for kind, blank in sorted(self._blank.items()):
            counted = {ticked: seen.count for ticked, seen in blank.items()}
            for ticked, seen in sorted(blank.items()):
                if seen.count < least:
                    continue
                expected = self._expected(ticked, counted, self._written[kind])
                if expected is not None and seen.count - expected >= least and seen.count >= values["times"] * expected:
                    observed = {
                        "satisfaction": kind[0],
                        "indicators": list(ticked),
                        "channel": kind[1],
                        "count": seen.count,
                        "expected_count": round(expected),
                    }
                    signals.append(WideSignal(observed, self._size, seen.count, seen.rate, seen.keys))
        return signals

    def _expected(self, ticked: Ticked, blank: Mapping[Ticked, int], written: Counter[Ticked]) -> float | None:
        """The higher of both; none where there is nothing to judge by."""
        told = [one for one in (by_choice(ticked, blank), self._by_words(ticked, blank, written)) if one is not None]
        return max(told, default=None)

    def _by_words(self, ticked: Ticked, blank: Mapping[Ticked, int], written: Counter[Ticked]) -> float | None:
        others = sum(blank.values()) - blank[ticked]
        words = written.total() - written[ticked]
        if not words or words < self._rule["source"]["written"] * (others + words):
            return None
        return written[ticked] * others / words


def by_choice(ticked: Ticked, counted: Mapping[Ticked, int]) -> float | None:
    """How often ``ticked`` would come if indicators were ticked one by one, as the other combinations show them.

    Among those who tick as many; none where an indicator came in no other combination.
    """
    weights: Counter[str] = Counter()
    others = 0
    for combination, count in counted.items():
        if combination != ticked:
            weights.update(dict.fromkeys(combination, count))
            others += count if len(combination) == len(ticked) else 0
    if not all(weights[code] for code in ticked):
        return None
    expected = 0.0
    for _ in range(ROUNDS):  # what is expected of the combination itself speaks for its indicators too
        own = {code: weight + expected * (code in ticked) for code, weight in weights.items()}
        total = sum(own.values())
        product = prod(own[code] / total for code in ticked)
        share = product / _symmetric([weight / total for weight in own.values()], len(ticked))
        if share >= 1:
            return None
        expected = others * share / (1 - share)
    return expected


def _symmetric(weights: list[float], size: int) -> float:
    """Sum over all combinations of ``size`` weights of their product."""
    sums = [1.0] + [0.0] * size
    for weight in weights:
        for number in range(size, 0, -1):
            sums[number] += weight * sums[number - 1]
    return sums[size]
