"""What a source-wide detector says, and the evidence it keeps while counting."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from gateway.domain.integrity.observation import Observation
from gateway.domain.rate import POSITIVE, Rate, counts

EVIDENCE_AFTER = 20  # a value is worth noting keys of once it came this often
KEYS = 20


class WideSignal(NamedTuple):
    """One fact about a whole source."""

    observed: dict[str, Any]
    size: int
    affected: int
    rate: Rate  # of the affected records
    record_keys: list[str]


class WideDetector(Protocol):
    """Sees a source's evaluations one by one, then judges; ``None``: too few, or no evidence to judge by."""

    def add(self, one: Observation) -> None: ...

    def signals(self) -> list[WideSignal] | None: ...


class Tallied:
    """How often one thing came: its records, their rate, and the keys of some that came late enough."""

    __slots__ = ("count", "keys", "positive", "rated")

    def __init__(self) -> None:
        self.count = self.rated = self.positive = 0
        self.keys: list[str] = []

    def add(self, one: Observation) -> None:
        self.count += 1
        if counts(one.origin):
            self.rated += 1
            self.positive += one.satisfaction >= POSITIVE
        if self.count > EVIDENCE_AFTER and len(self.keys) < KEYS:
            self.keys.append(one.record_key)

    @property
    def rate(self) -> Rate:
        return Rate(self.positive, self.rated)
