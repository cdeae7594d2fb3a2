"""Every kind of finding has a sentence of its own in both languages, with nothing left unsaid."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.domain.integrity import Finding, load_thresholds
from gateway.domain.rate import Rate
from gateway.messages import LANGUAGES, catalogue
from gateway.reports.findings import percent, sentence, title

DAY = datetime(2026, 11, 2, tzinfo=UTC)
COMBINATION = {"satisfaction": 5, "indicators": ["510", "511"], "channel": "4", "count": 1200}
FIGURES = {"source": {"positive": 90, "rated": 90, "percent": 100.0}, "recomputed": {"positive": 80, "rated": 90}}
SEEN: dict[str, tuple[str, dict[str, Any]]] = {
    "constant_detail": ("constant_detail", COMBINATION | {"days": 3}),
    "constant_detail.expected_count": ("constant_detail", COMBINATION | {"expected_count": 90}),
    "fixed_lag": ("fixed_lag", {"base": "service", "lag_seconds": 300, "count": 8}),
    "delayed_default": ("delayed_default", {"days": 5, "satisfaction": 5, "count": 20}),
    "delayed_default.expected_count": (
        "delayed_default",
        {"days": 5, "satisfaction": 5, "count": 20, "expected_count": 4},
    ),
    "scheduled_burst": ("scheduled_burst", {"second": "18:30:05", "count": 25}),
    "scheduled_burst.minute": ("scheduled_burst", {"minute": "18:30", "count": 25}),
    "scheduled_burst.time_of_day": ("scheduled_burst", {"time_of_day": "18:30", "count": 99, "expected_count": 2}),
    "stock_text": ("stock_text", {"text": "0bef1cade75c2fa4", "count": 30}),
    "before_service": ("before_service", {"rule": "time.before_service", "count": 3}),
    "before_service.refused": ("before_service", {"rule": "time.before_service", "refused": 3}),
    "channel_implausible": ("channel_implausible", {"connector": "sftp", "channels": {"1": 3, "2": 4}, "count": 7}),
    "unmarked_default": ("unmarked_default", {"channels": {"1": 5}, "count": 5}),
    "repeat_evaluator": ("repeat_evaluator", {"count": 21}),
    "repeat_evaluator.most_in_a_day": ("repeat_evaluator", {"count": 90, "days": 3, "most_in_a_day": 35}),
    "device_clock": ("device_clock", {"hours": [1, 2, 23], "count": 12}),
    "device_clock.refused": ("device_clock", {"rule": "time.future", "refused": 12}),
    "device_clock.peak_hour": (
        "device_clock",
        {"peak_hour": 1, "peak": 270, "quiet_hour": 23, "quiet": 30, "count": 570},
    ),
    "no_negative": ("no_negative", {"rated": 1000, "expected": 22.5, "refused_negatives": 4}),
    "time_shift": (
        "time_shift",
        {"difference_seconds": 28800, "field": "assess_time", "count": 9, "upstream": "portal"},
    ),
    "missing_negative": ("missing_negative", {"count": 2, "records": [{"key": "K"}]}),
    "unrated_as_good": ("unrated_as_good", {"source": 42, "set": "counted", "recomputed": 40, "unrated": 2}),
    "figure_mismatch": ("figure_mismatch", FIGURES | {"difference_points": 11.1}),
    "figure_mismatch.sets": (
        "figure_mismatch",
        FIGURES | {"sets": {"numerator": "counted", "denominator": "everything"}},
    ),
    "constant_rate": ("constant_rate", {"periods": 6, "series": []}),
}


def finding(detector: str, observed: dict[str, Any]) -> Finding:
    group = ("portal_x", "D", "511602000000", "month", DAY, DAY)
    return Finding(detector, 1, *group, {}, observed, 1234, 321, (), Rate(), Rate())


def test_every_sentence_of_the_catalogue_is_told_by_some_finding() -> None:
    told = {code.removeprefix("integrity.told.") for code in catalogue("zh") if code.startswith("integrity.told.")}
    assert told == set(SEEN)
    assert {name for name, _ in SEEN.values()} == set(load_thresholds().rules)


@pytest.mark.parametrize("kind", sorted(SEEN))
def test_a_finding_is_told_in_full(kind: str) -> None:
    one = finding(*SEEN[kind])
    for lang in LANGUAGES:
        told = sentence(one, lang)
        form = catalogue(lang)[f"integrity.told.{kind}"]
        assert told.startswith(form.partition("{")[0])
        assert "{" not in told
        assert "integrity." not in told + title(one, lang)
    assert sentence(one, "zh") != sentence(one, "en")


def test_codes_are_named() -> None:
    assert "“非常满意”" in sentence(finding(*SEEN["delayed_default"]), "zh")
    assert "321" in sentence(finding(*SEEN["fixed_lag"]), "en")
    assert "1,234" in sentence(finding(*SEEN["fixed_lag"]), "en")


def test_no_data_is_no_percentage() -> None:
    assert percent(Rate(0, 0), "zh") == "无数据"
    assert percent(Rate(2, 3), "en") == "66.67%"
