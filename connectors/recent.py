"""Looking back (回看): transactions that commit late carry a moment earlier than what was read already.

Each pull reads the time just before its cursor once more. To keep what repeats out of the store, that time is cut into
slices, and the cursor remembers one number per slice: the sum of its records' digests, whatever their order. A slice
whose sum is still the same holds nothing new, however much the envelope around it has changed; only pages that hold
records of another slice are landed again. The numbers are few, so cursors stay small and memory flat.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from connectors.moments import Moment, earlier, seconds

SLICES = 16
MODULUS = 1 << 62
Sums = dict[str, int]  # JSON keys are text
Unit = Literal["seconds", "ids"]


@dataclass(frozen=True, slots=True)
class Lookback:
    """``amount`` of ``unit`` before the cursor is read again; 0: nothing is. ``moment_of(record)``: when it changed."""

    amount: float
    unit: Unit
    moment_of: Callable[[bytes], Moment | None]

    @property
    def width(self) -> int:
        return max(1, math.ceil(self.amount / SLICES))

    def number(self, moment: Moment) -> float:
        return seconds(moment) if self.unit == "seconds" else float(int(moment))

    def slice_of(self, moment: Moment) -> int:
        return int(self.number(moment) // self.width)

    def first(self, since: Moment) -> int:
        """The slice where a pull that goes on at ``since`` starts to look."""
        return int((self.number(since) - self.amount) // self.width)

    def start(self, since: str) -> str:
        """The moment where that slice begins, in the form of ``since``."""
        back = self.number(since) - self.first(since) * self.width
        return earlier(since, back) if self.unit == "seconds" else str(max(0, int(since) - int(back)))

    def add(self, sums: Sums, records: Iterable[bytes], wanted: Callable[[float], bool]) -> Sums:
        """``sums`` and the marks of those ``records`` whose moment is ``wanted``; a new mapping."""
        found = dict(sums)
        for record in records:
            moment = self.moment_of(record)
            if moment is not None and wanted(self.number(moment)):
                self.put(found, moment, mark(record))
        return found

    def tail(self, records: Sequence[bytes], since: Moment) -> list[bytes]:
        """Of ``records`` in the order of their moments those that a pull going on at ``since`` will look at.

        Most of a large pull stands far before that: it costs nothing here but the few looks that find the place.
        """
        least = self.first(since) * self.width
        low, high = 0, len(records)
        while low < high:
            middle = (low + high) // 2
            moment = next((found for record in records[middle:high] if (found := self.moment_of(record))), None)
            if moment is not None and self.number(moment) < least:
                low = middle + 1
            else:
                high = middle
        return list(records[low:])

    def put(self, sums: Sums, moment: Moment, amount: int) -> None:
        key = str(self.slice_of(moment))
        sums[key] = (sums.get(key, 0) + amount) % MODULUS

    def kept(self, sums: Mapping[str, int], since: Moment) -> Sums:
        """Only the slices that a pull going on at ``since`` will look at."""
        first = self.first(since)
        return {key: value for key, value in sums.items() if int(key) >= first}

    def touches(self, records: Iterable[bytes], slices: set[str], wanted: Callable[[float], bool]) -> bool:
        """Does one of ``records`` whose moment is ``wanted`` stand in one of ``slices``?"""
        moments = (moment for record in records if (moment := self.moment_of(record)) is not None)
        return any(str(self.slice_of(moment)) in slices for moment in moments if wanted(self.number(moment)))


def changed(before: Mapping[str, int], after: Mapping[str, int]) -> set[str]:
    """Slices whose sums differ; one that is missing holds nothing."""
    return {key for key in {*before, *after} if before.get(key, 0) != after.get(key, 0)}


def mark(record: bytes) -> int:
    """A number for a record, by its bytes."""
    return int.from_bytes(hashlib.blake2b(record, digest_size=8).digest()) % MODULUS
