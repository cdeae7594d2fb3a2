"""What a detector looks at and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from gateway.domain.integrity.thresholds import DetectorRule
from gateway.domain.rate import POSITIVE, Rate, counts

Seconds = int  # of local time (Asia/Shanghai) since 1970-01-01 00:00
DAY = 86_400


class Observation(NamedTuple):
    """One evaluation as the detectors see it: no name, no number, no text; of those, keyed digests at most."""

    record_key: str
    satisfaction: int
    channel: str
    origin: str
    indicators: tuple[str, ...]
    blank: bool  # no text of its own
    text: bytes | None  # keyed digest of a negative evaluation's text
    mark: bytes | None  # keyed digest of the evaluator's mark
    login: bool  # the evaluation carries the trace of a login
    assess: Seconds
    service: Seconds | None
    accept: Seconds | None
    result: Seconds | None
    create: Seconds | None  # application (申请)

    @property
    def day(self) -> int:
        return self.assess // DAY


class Signal(NamedTuple):
    """One fact about a group: what was seen (JSON-ready, free of personal data), and the records that make it up."""

    observed: dict[str, Any]
    size: int  # records that the share is taken of
    affected: Sequence[Observation]


Result = list[Signal] | None
Detector = Callable[[Sequence[Observation], DetectorRule], Result]


def rate_of(group: Iterable[Observation]) -> Rate:
    """The group's positive rate; only what the rule counts."""
    positive = rated = 0
    for one in group:
        if counts(one.origin):
            rated += 1
            positive += one.satisfaction >= POSITIVE
    return Rate(positive, rated)
