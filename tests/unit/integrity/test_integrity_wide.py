"""Patterns spread over a whole source: found when they stand out from the source itself, silent on habits of people."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.integrity import Observation, Pair, SourceWide, WideSignal, load_thresholds, wide_time_shift
from gateway.domain.integrity.observation import DAY
from gateway.domain.integrity.wide.combination import by_choice
from gateway.domain.rate import Rate
from tests.unit.integrity.test_integrity_groups import NEGATIVE, NOON, RULES, one

MIDNIGHT = 20_000 * DAY


def signals(name: str, records: list[Observation]) -> list[WideSignal] | None:
    source = SourceWide(RULES.rules)
    for record in records:
        source.add(record)
    return dict(source.judged())[name]


def alike(count: int, start: int = 0, **changed: Any) -> list[Observation]:
    return [one(start + index, **changed) for index in range(count)]


def spread_lags(count: int, unit: int = 1) -> list[Observation]:
    return [one(index, service=NOON, assess=NOON + unit * (index % 400)) for index in range(count)]


def test_a_lag_far_above_its_neighbours() -> None:
    planted = alike(150, service=NOON, assess=NOON + 300)
    (signal,) = signals("fixed_lag", spread_lags(4000) + planted) or []
    assert signal.observed == {"base": "service", "lag_seconds": 300, "count": 160}
    assert signal.affected == 160
    assert len(signal.record_keys) == 20
    assert signals("fixed_lag", spread_lags(4000)) == []
    assert signals("fixed_lag", spread_lags(900)) is None


def test_a_source_that_knows_no_seconds_is_no_pattern() -> None:
    assert signals("fixed_lag", spread_lags(40_000, unit=60)) == []
    to_the_minute = [one(index, assess=MIDNIGHT + 60 * (index % 600)) for index in range(4000)]
    assert signals("scheduled_burst", to_the_minute) == []


def test_one_text_over_all_departments() -> None:
    unlike = [one(index, satisfaction=1, text=index.to_bytes(16)) for index in range(400)]
    same = alike(60, **NEGATIVE)
    (signal,) = signals("stock_text", unlike + same) or []
    assert (signal.size, signal.affected, signal.rate) == (460, 60, Rate(0, 60))
    assert signals("stock_text", unlike + same[:40]) == []


def combinations(each: int, **changed: Any) -> list[Observation]:
    """Every indicator alone, and every pair, ``each`` times."""
    codes = [f"51{code}" for code in range(5)]
    ticked = [(code,) for code in codes] + [(code, other) for code in codes for other in codes if code < other]
    same = {"satisfaction": 5, "channel": "4"} | changed
    return [one(index, indicators=combination, **same) for combination in ticked for index in range(each)]


def test_a_combination_far_above_what_its_indicators_let_expect() -> None:
    honest = combinations(100, blank=True)
    program = alike(300, satisfaction=5, channel="4", indicators=("511", "513"), blank=True)
    (signal,) = signals("constant_detail", honest + program) or []
    assert signal.observed["indicators"] == ["511", "513"]
    assert (signal.observed["count"], signal.observed["expected_count"]) == (400, 100)
    assert signals("constant_detail", honest) == []
    assert signals("constant_detail", honest + program[:80]) == [], "less than twice"


def test_a_combination_that_people_also_write_to_is_a_habit() -> None:
    habit = combinations(100, blank=True) + alike(
        300, satisfaction=5, channel="4", indicators=("511", "513"), blank=True
    )
    words = combinations(30) + alike(90, satisfaction=5, channel="4", indicators=("511", "513"))
    assert signals("constant_detail", habit + words) == []


def test_without_indicators_or_alternatives_nothing_is_to_be_told() -> None:
    assert signals("constant_detail", alike(2000, satisfaction=5, channel="4", indicators=(), blank=True)) == []
    assert signals("constant_detail", alike(2000, satisfaction=5, channel="4", indicators=("511",), blank=True)) == []
    assert by_choice(("1",), {("1",): 100, ("2",): 50}) is None


@pytest.mark.parametrize(("minutes", "found"), [(range(-55, 56), True), (range(-250, 251), False)])
def test_a_whole_number_of_days_is_more_frequent_than_the_hours_beside(minutes: range, found: bool) -> None:
    honest = [one(index, satisfaction=5, service=NOON, result=None, assess=NOON + 60 * index) for index in range(3000)]
    late = NOON + 6 * DAY
    timed = [
        one(index, satisfaction=5, service=NOON, result=None, assess=late + 60 * minutes[index % len(minutes)])
        for index in range(300)
    ]
    told = signals("delayed_default", honest + timed) or []
    assert [(signal.observed["days"], signal.affected) for signal in told] == ([(6, 300)] if found else [])


def test_people_who_come_back_at_any_hour_are_no_timer() -> None:
    back = [
        one(index, service=NOON, result=None, assess=NOON + DAY + 60 * (index % 600) - 18_000) for index in range(6000)
    ]
    assert signals("delayed_default", back) == []


@pytest.mark.parametrize(("spread", "shown"), [(1, "09:30:05"), (50, "09:30")])
def test_one_moment_of_every_day(spread: int, shown: str) -> None:
    honest = [one(index, assess=MIDNIGHT + 8 * 3600 + 7 * index) for index in range(4000)]
    at = MIDNIGHT + 9 * 3600 + 1805
    planted = [one(index, assess=at + DAY * (index % 30) + index % spread) for index in range(120)]
    (signal,) = signals("scheduled_burst", honest + planted) or []
    assert (signal.observed["time_of_day"], signal.affected >= 120) == (shown, True)
    assert signals("scheduled_burst", honest) == []


def test_a_queue_at_the_door_is_no_schedule() -> None:
    honest = [one(index, assess=MIDNIGHT + 8 * 3600 + 7 * index) for index in range(4000)]
    queue = [one(index, assess=MIDNIGHT + 9 * 3600 + DAY * (index % 30) + index % 600) for index in range(1200)]
    assert signals("scheduled_burst", honest + queue) == []


def test_one_mark_over_all_departments_in_a_day() -> None:
    honest = alike(1000)
    busy = [one(2000 + index, mark=b"same-mark", assess=NOON + DAY * (index % 4) + index) for index in range(200)]
    (signal,) = signals("repeat_evaluator", honest + busy) or []
    assert signal.observed == {"count": 190, "days": 4, "most_in_a_day": 48}, "the first ten are not counted"
    assert signal.rate.rated == 190
    spread_out = [record._replace(assess=NOON + DAY * index) for index, record in enumerate(busy)]
    assert signals("repeat_evaluator", honest + spread_out) == []
    assert signals("repeat_evaluator", [record._replace(mark=None) for record in honest]) is None


def nights(*hours: int) -> list[Observation]:
    """Ratings from devices at 21, 22, 23, 0, 1, … o'clock, as many as told, and two thousand by day."""
    day = [one(index, channel="4", assess=MIDNIGHT + 9 * 3600 + index) for index in range(2000)]
    start = MIDNIGHT + 21 * 3600
    dark = [
        one(index, channel="4", assess=start + 3600 * hour + index)
        for hour, n in enumerate(hours)
        for index in range(n)
    ]
    return day + dark


def test_a_night_that_grows_busier_is_a_clock_in_another_zone() -> None:
    (signal,) = signals("device_clock", nights(90, 60, 30, 40, 120, 50, 10, 5)) or []
    assert signal.observed == {"peak_hour": 1, "peak": 120, "quiet_hour": 23, "quiet": 30, "count": 225}
    assert signal.affected == 225
    assert signals("device_clock", nights(400, 300, 200, 100, 50, 20, 10, 5)) == [], "people go home"
    assert signals("device_clock", nights(90, 60, 30, 40, 75, 50, 10, 5)) == [], "not three times as many"
    portal = [record._replace(channel="1") for record in nights(90, 60, 30, 40, 120, 50)]
    assert signals("device_clock", portal) is None


def test_one_shift_among_many_corrections_of_a_source() -> None:
    def pairs(shifted: int, honest: int) -> list[Pair]:
        return [Pair(f"K{index}", "D", 28_800 if index < shifted else index % 7) for index in range(shifted + honest)]

    rule = load_thresholds()["time_shift"]
    assert wide_time_shift(pairs(60, 200), "assess_time", rule) == {
        "difference_seconds": 28_800,
        "field": "assess_time",
        "count": 60,
    }
    assert wide_time_shift(pairs(49, 100), "assess_time", rule) == {}
    assert wide_time_shift(pairs(60, 300), "assess_time", rule) == {}
    assert wide_time_shift(pairs(60, 30), "assess_time", rule) is None
    assert wide_time_shift([Pair("K", "D", 0)] * 200, "assess_time", rule) == {}


def test_the_rate_of_a_source_counts_active_and_recorded_alone() -> None:
    source = SourceWide(RULES.rules)
    for origin, level in (("active", 5), ("agent_recorded", 1), ("unknown", 5)):
        source.add(one(0, origin=origin, satisfaction=level))
    assert source.rate == Rate(1, 2)
