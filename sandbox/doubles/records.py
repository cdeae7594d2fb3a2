"""The records that a double serves: rendered once, counted when sent."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from sandbox.generator.model import Json


class Held(NamedTuple):
    """One record as bytes, and what it is sorted by."""

    updated: str
    upstream_id: str
    serial: int
    body: bytes


class RecordBook:
    """Records in the order of ``(updated, id)``, or in the order of arrival where ``updated`` is always empty."""

    def __init__(self, key: Callable[[Json], tuple[str, str]], render: Callable[[Json], bytes]) -> None:
        self._key, self._render = key, render
        self._held: list[Held] = []
        self._served: set[int] = set()
        self.served = 0

    @classmethod
    def load(cls, path: Path, key: Callable[[Json], tuple[str, str]], render: Callable[[Json], bytes]) -> RecordBook:
        """The records of a ``.jsonl`` file."""
        book = cls(key, render)
        with path.open("rb") as lines:
            book._held = sorted(book._hold(orjson.loads(line), serial) for serial, line in enumerate(lines))
        return book

    def add(self, record: Json) -> None:
        """One more record, at its place."""
        insort(self._held, self._hold(record, len(self._held)))

    def __len__(self) -> int:
        return len(self._held)

    def since(self, updated: str, until: str | None = None) -> range:
        """Positions of the records updated from ``updated`` to ``until``, both included."""
        start = bisect_left(self._held, updated, key=lambda held: held.updated)
        end = len(self._held) if until is None else bisect_left(self._held, until + "~", key=lambda held: held.updated)
        return range(start, max(start, end))

    def serve(self, positions: Iterable[int]) -> list[bytes]:
        """The bytes at ``positions``, noted as sent."""
        found = [self._held[position] for position in positions]
        self.served += len(found)
        self._served.update(held.serial for held in found)
        return [held.body for held in found]

    def facts(self) -> dict[str, Any]:
        """For the oracle: held, sent in all, and how many different ones."""
        return {"records": len(self._held), "records_sent": self.served, "records_sent_distinct": len(self._served)}

    def _hold(self, record: Json, serial: int) -> Held:
        return Held(*self._key(record), serial, self._render(record))
