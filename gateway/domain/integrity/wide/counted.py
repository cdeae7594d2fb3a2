"""How often each whole number below a limit came: seconds of lag, seconds of the day, minutes since completion."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from gateway.domain.integrity.observation import Observation
from gateway.domain.integrity.wide.wide_signal import EVIDENCE_AFTER, KEYS
from gateway.domain.rate import POSITIVE, Rate, counts


class Span(NamedTuple):
    """Numbers from ``start`` on, ``end`` excluded, and how many were to be expected there."""

    start: int
    end: int
    came: int
    expected: float


class Counted:
    """Arrays of counts; evidence only for numbers that came often."""

    def __init__(self, longest: int) -> None:
        self.size = 0
        self._count = _zeros(longest)
        self._rated = _zeros(longest)
        self._positive = _zeros(longest)
        self._keys: defaultdict[int, list[str]] = defaultdict(list)

    def add(self, value: int, one: Observation) -> None:
        self.size += 1
        self._count[value] += 1
        if counts(one.origin):
            self._rated[value] += 1
            self._positive[value] += one.satisfaction >= POSITIVE
        if self._count[value] > EVIDENCE_AFTER and len(self._keys[value]) < KEYS:
            self._keys[value].append(one.record_key)

    def unit(self, coarse: int) -> int:
        """``coarse`` where most values are multiples of it (a source that knows no seconds), else 1."""
        return coarse if sum(self._count[::coarse]) * 2 >= self.size else 1

    def peaks(self, width: int, least: float, neighbours: int, times: float) -> Iterator[Span]:
        """Spans of ``width`` that came at least ``least`` times, and ``times`` as often as the spans beside them."""
        whole = self._count
        counted = whole if width == 1 else [sum(whole[at : at + width]) for at in range(0, len(whole), width)]
        for index, count in enumerate(counted):
            if count < least:
                continue
            beside = [*counted[max(0, index - neighbours) : index], *counted[index + 1 : index + 1 + neighbours]]
            expected = sum(beside) / len(beside)
            if count >= times * max(1.0, expected):
                yield Span(index * width, (index + 1) * width, count, expected)

    def within(self, start: int, end: int) -> int:
        return sum(self._count[max(0, start) : end])

    def evidence(self, start: int, end: int) -> tuple[Rate, list[str]]:
        """The rate of those within, and some of their keys."""
        keys = [key for value in sorted(self._keys) if start <= value < end for key in self._keys[value]]
        return Rate(sum(self._positive[start:end]), sum(self._rated[start:end])), keys[:KEYS]


def _zeros(length: int) -> array[int]:
    return array("L", bytes(array("L").itemsize * length))
