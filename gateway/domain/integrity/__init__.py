"""Detectors of patterns that no crowd of people leaves (数据真实性): pure functions over groups of evaluations.

A detector is given one group (a source's department in one window) and its thresholds, and answers ``None`` (not
assessed: too few records, or no evidence to judge by), or the signals that it found, mostly none. A signal is a
statistical fact about a group, not a verdict on a record: nothing is blocked, changed or left out because of it.
Rules: data integrity, the table of detectors.
"""

from gateway.domain.integrity.absence import Tally, no_negative
from gateway.domain.integrity.clock import device_clock, future_refusals
from gateway.domain.integrity.detail import constant_detail, stock_text
from gateway.domain.integrity.finding import Finding
from gateway.domain.integrity.observation import Detector, Observation, Result, Signal, rate_of
from gateway.domain.integrity.published import (
    Recomputed,
    SourceFigure,
    constant_rate,
    figure_mismatch,
    unrated_as_good,
)
from gateway.domain.integrity.thresholds import DetectorRule, Thresholds, load_thresholds
from gateway.domain.integrity.timing import before_service, delayed_default, fixed_lag, scheduled_burst
from gateway.domain.integrity.trace import channel_implausible, repeat_evaluator, unmarked_default
from gateway.domain.integrity.versions import Change, Pair, Redelivered, missing_negative, time_shift, wide_time_shift
from gateway.domain.integrity.wide import SourceWide, WideSignal

GROUP_DETECTORS: dict[str, Detector] = {
    "constant_detail": constant_detail,
    "fixed_lag": fixed_lag,
    "delayed_default": delayed_default,
    "scheduled_burst": scheduled_burst,
    "stock_text": stock_text,
    "before_service": before_service,
    "channel_implausible": channel_implausible,
    "unmarked_default": unmarked_default,
    "repeat_evaluator": repeat_evaluator,
    "device_clock": device_clock,
}

__all__ = [
    "GROUP_DETECTORS",
    "Change",
    "Detector",
    "DetectorRule",
    "Finding",
    "Observation",
    "Pair",
    "Recomputed",
    "Redelivered",
    "Result",
    "Signal",
    "SourceFigure",
    "SourceWide",
    "Tally",
    "Thresholds",
    "WideSignal",
    "constant_rate",
    "figure_mismatch",
    "future_refusals",
    "load_thresholds",
    "missing_negative",
    "no_negative",
    "rate_of",
    "time_shift",
    "unrated_as_good",
    "wide_time_shift",
]
