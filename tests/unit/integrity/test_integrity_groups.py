"""Every group detector: fires at its threshold, is silent just below it, and doesn't judge small groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.integrity import GROUP_DETECTORS, DetectorRule, Observation, Result, load_thresholds
from gateway.domain.integrity.observation import DAY, rate_of

NOON = 20_000 * DAY + 12 * 3600
RULES = load_thresholds()


def one(index: int, **changed: Any) -> Observation:
    """An evaluation unlike its neighbours."""
    service = NOON + 7 * index
    honest = Observation(
        record_key=f"P{index}#1#1",
        satisfaction=(5, 4, 5, 3)[index % 4],
        channel=("1", "2")[index % 2],
        origin="active",
        indicators=(f"51{index % 8}", f"52{index % 7}"),
        blank=False,
        text=None,
        mark=index.to_bytes(4),
        login=True,
        assess=service + 60 + 11 * index,
        service=service,
        accept=service - 3600 - 13 * index,
        result=service,
        create=service - 7200 - 17 * index,
    )
    return honest._replace(**changed)


def group(affected: int, size: int, change: dict[str, Any]) -> list[Observation]:
    return [one(index, **(change if index < affected else {})) for index in range(size)]


def detect(name: str, records: list[Observation], **about: Any) -> Result:
    rule: DetectorRule = replace(RULES[name], **about)
    return GROUP_DETECTORS[name](records, rule)


ALIKE = {"satisfaction": 5, "indicators": (), "channel": "4", "blank": True}
NEGATIVE = {"satisfaction": 2, "text": b"x" * 16}
NIGHT = {"channel": "4", "assess": 20_000 * DAY + 2 * 3600}
AT_THRESHOLD: list[tuple[str, int, int, dict[str, Any], dict[str, Any]]] = [
    # detector, affected, group, what is changed, about the source
    ("constant_detail", 32, 40, ALIKE, {}),
    ("fixed_lag", 8, 40, {"service": NOON, "assess": NOON + 300}, {}),
    ("fixed_lag", 8, 40, {"create": NOON, "assess": NOON + 300, "service": None, "result": None}, {}),
    ("scheduled_burst", 20, 60, {"assess": NOON}, {}),
    ("unmarked_default", 5, 40, {"login": False, "channel": "1"}, {}),
    ("repeat_evaluator", 21, 60, {"mark": b"same"}, {}),
    ("before_service", 1, 5, {"assess": NOON - 1}, {}),
    ("channel_implausible", 1, 5, {"channel": "6"}, {"source_id": "portal_x"}),
]


@pytest.mark.parametrize(("name", "affected", "size", "change", "about"), AT_THRESHOLD)
def test_fires_at_its_threshold_and_not_below(
    name: str, affected: int, size: int, change: dict[str, Any], about: dict[str, Any]
) -> None:
    signals = detect(name, group(affected, size, change), **about)
    assert signals
    assert [found.record_key for found in signals[0].affected] == [f"P{index}#1#1" for index in range(affected)]
    assert detect(name, group(affected - 1, size, change), **about) == []


@pytest.mark.parametrize("name", ["constant_detail", "fixed_lag", "delayed_default", "unmarked_default"])
def test_a_group_below_thirty_is_not_assessed(name: str) -> None:
    change = {"satisfaction": 5, "indicators": (), "channel": "1", "blank": True, "login": False, "assess": NOON}
    assert detect(name, group(29, 29, change | {"service": NOON - DAY, "result": None})) is None
    assert detect(name, group(30, 30, change | {"service": NOON - DAY, "result": None}))


def test_half_a_day_in_one_minute_is_a_burst_without_any_full_second() -> None:
    minute = NOON // 60 * 60
    records = [one(index, assess=minute + index * 3 if index < 20 else NOON + 600 + 61 * index) for index in range(40)]
    (signal,) = detect("scheduled_burst", records) or []
    assert signal.observed == {"minute": "12:00", "count": 20}
    assert detect("scheduled_burst", records[1:]) == []


def fives(timed: int, size: int, seconds: int = 3599) -> list[Observation]:
    late = {"service": NOON, "result": NOON, "assess": NOON + 3 * DAY + seconds}
    return [one(index, satisfaction=5, **(late if index < timed else {})) for index in range(size)]


def test_a_whole_number_of_days_is_judged_by_level() -> None:
    fours = [one(200 + index, satisfaction=4) for index in range(40)]
    (signal,) = detect("delayed_default", fives(10, 50) + fours) or []
    assert signal.observed == {"days": 3, "satisfaction": 5, "count": 10}
    assert signal.size == 50
    assert detect("delayed_default", fives(10, 51) + fours) == [], "below a fifth of the level"
    assert detect("delayed_default", fives(9, 40) + fours) == [], "nine may be chance"
    assert detect("delayed_default", fives(10, 50, seconds=3601) + fours) == [], "not at the hour"


def test_people_who_come_back_another_day_are_no_timer() -> None:
    others = [
        one(300 + index, satisfaction=5, service=NOON, result=NOON, assess=NOON + 3 * DAY + 7200 + 60 * index)
        for index in range(7)
    ]
    assert detect("delayed_default", fives(10, 30) + others[:6])
    assert detect("delayed_default", fives(10, 30) + others) == []


def test_stock_text_looks_at_negatives_alone() -> None:
    unlike = [one(50 + index, satisfaction=1, text=index.to_bytes(16)) for index in range(7)]
    assert detect("stock_text", group(3, 40, NEGATIVE) + unlike)
    assert detect("stock_text", group(2, 40, NEGATIVE) + unlike) is None, "nine negatives are too few"
    assert detect("stock_text", [*group(3, 40, NEGATIVE), *unlike, one(99, satisfaction=1)]) == []
    assert detect("stock_text", group(40, 40, {"satisfaction": 2, "text": None})) == []


def test_a_clock_in_another_zone_shows_at_night() -> None:
    day = [one(index, channel="5") for index in range(40)]
    night = [one(50 + index, **NIGHT) for index in range(10)]
    (signal,) = detect("device_clock", day + night) or []
    assert signal.observed == {"hours": [2], "count": 10}
    assert detect("device_clock", day + night[1:]) == []
    assert detect("device_clock", [record._replace(channel="1") for record in day + night]) is None


def test_a_source_without_a_rule_of_channels_is_not_assessed() -> None:
    assert detect("channel_implausible", group(5, 40, {"channel": "6"}), source_id="other") is None


def test_no_mark_at_all_is_not_assessed() -> None:
    assert detect("repeat_evaluator", group(40, 40, {"mark": None})) is None


def test_the_mark_is_not_told() -> None:
    (signal,) = detect("repeat_evaluator", group(30, 40, {"mark": b"secret"})) or []
    assert signal.observed == {"count": 30}


@pytest.mark.parametrize("name", sorted(GROUP_DETECTORS))
def test_honest_groups_and_empty_groups_are_silent(name: str) -> None:
    about = {"source_id": "portal_x"} if name == "channel_implausible" else {}
    assert not detect(name, group(0, 200, {}), **about)
    assert not detect(name, [], **about)


def test_only_active_and_recorded_evaluations_are_in_a_rate() -> None:
    records = [
        one(0),
        one(1, origin="agent_recorded", satisfaction=2),
        one(2, origin="unknown"),
        one(3, origin="default"),
    ]
    assert rate_of(records) == (1, 2)
    assert rate_of([]).percent is None
