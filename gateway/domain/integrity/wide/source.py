"""One source in one window, seen whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from gateway.domain.integrity.observation import Observation
from gateway.domain.integrity.thresholds import DetectorRule
from gateway.domain.integrity.wide.combination import ConstantDetail
from gateway.domain.integrity.wide.evaluator import RepeatEvaluator
from gateway.domain.integrity.wide.moments import DelayedDefault, DeviceClock, FixedLag, ScheduledBurst
from gateway.domain.integrity.wide.wide_signal import WideDetector, WideSignal
from gateway.domain.integrity.wide.words import StockText
from gateway.domain.rate import POSITIVE, Rate, counts

DETECTORS: dict[str, Callable[[DetectorRule], WideDetector]] = {
    "constant_detail": ConstantDetail,
    "fixed_lag": FixedLag,
    "delayed_default": DelayedDefault,
    "scheduled_burst": ScheduledBurst,
    "stock_text": StockText,
    "repeat_evaluator": RepeatEvaluator,
    "device_clock": DeviceClock,
}


class SourceWide:
    """Every source-wide detector, and the source's rate."""

    def __init__(self, rules: Mapping[str, DetectorRule]) -> None:
        self._positive = self._rated = 0
        self._detectors = {name: made(rules[name]) for name, made in DETECTORS.items()}

    def add(self, one: Observation) -> None:
        if counts(one.origin):
            self._rated += 1
            self._positive += one.satisfaction >= POSITIVE
        for detector in self._detectors.values():
            detector.add(one)

    @property
    def rate(self) -> Rate:
        return Rate(self._positive, self._rated)

    def judged(self) -> Iterator[tuple[str, list[WideSignal] | None]]:
        """Each detector's name and signals; none: it could not judge."""
        for name, detector in self._detectors.items():
            yield name, detector.signals()
