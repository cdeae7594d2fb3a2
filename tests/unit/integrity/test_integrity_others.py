"""Detectors that look at sources, versions and published figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from gateway.domain.integrity import (
    Change,
    Pair,
    Recomputed,
    Redelivered,
    SourceFigure,
    Tally,
    constant_rate,
    figure_mismatch,
    future_refusals,
    load_thresholds,
    missing_negative,
    no_negative,
    time_shift,
    unrated_as_good,
)
from gateway.domain.rate import Rate, counted

RULES = load_thresholds()
DAY = date(2026, 11, 2)
OWN = Recomputed(counted=Rate(90, 100), everything=Rate(110, 120), unrated=7)


def figure(positive: int | None = None, rated: int | None = None, rate: str | None = None) -> SourceFigure:
    return SourceFigure("s", None, DAY, DAY, positive, rated, None if rate is None else Decimal(rate))


def test_none_negative_where_peers_have_many() -> None:
    rule, peers = RULES["no_negative"], Tally(10_000, 200)
    assert no_negative(Tally(750, 0), peers, rule) == pytest.approx(15)
    assert no_negative(Tally(750, 1), peers, rule) == 0
    assert no_negative(Tally(749, 0), peers, rule) is None
    assert no_negative(Tally(3000, 0), Tally(0, 0), rule) == pytest.approx(15), "no peers: the least rate"


@pytest.mark.parametrize(
    ("refused", "landed", "expected"), [(3, 300, True), (2, 30, False), (3, 301, False), (9, 29, None)]
)
def test_a_clock_that_runs_ahead(refused: int, landed: int, expected: bool | None) -> None:
    assert future_refusals(refused, landed, RULES["device_clock"]) is expected


def test_a_constant_difference_in_nearly_all_pairs() -> None:
    rule = RULES["time_shift"]
    shifted = [Pair(f"P{index}", None, 28_800) for index in range(9)]
    facts = {"difference_seconds": 28_800, "field": "assess_time", "count": 9}
    assert time_shift([*shifted, Pair("P9", None, 5)], "assess_time", rule) == facts
    assert time_shift([*shifted[1:], Pair("P8", None, 4), Pair("P9", None, 5)], "assess_time", rule) == {}
    assert time_shift(shifted, "assess_time", rule) is None
    assert time_shift([Pair(f"P{index}", None, 0) for index in range(20)], "assess_time", rule) == {}


def change(old: int, new: int, withdrawn: bool = False) -> Change:
    return Change(f"{old}to{new}", "D", 1, 2, old, new, withdrawn)


def test_a_negative_that_rose_or_was_taken_back_is_told() -> None:
    changes = [change(1, 2), change(2, 5), change(2, 2, withdrawn=True), change(2, 1), change(3, 5), change(5, 1)]
    found = missing_negative([*changes, change(4, 4, withdrawn=True)], [], RULES["missing_negative"])
    assert [(key, facts["how"]) for _, key, facts in found] == [
        ("1to2", "rose"),
        ("2to5", "rose"),
        ("2to2", "withdrawn"),
    ]


def test_absence_counts_only_where_nearly_all_came_again() -> None:
    lost = [("P1", "D")]
    whole, partly, small = (
        Redelivered("a", 100, 90, lost),
        Redelivered("b", 100, 89, lost),
        Redelivered("c", 9, 9, lost),
    )
    found = missing_negative([], [whole, partly, small], RULES["missing_negative"])
    assert found == [("D", "P1", {"how": "absent"})]


def test_unrated_counted_as_good() -> None:
    rule = RULES["unrated_as_good"]
    facts = {"source": 97, "set": "counted", "recomputed": 90, "unrated": 7}
    assert unrated_as_good(figure(97, 107), OWN, rule) == facts
    assert unrated_as_good(figure(96, 107), OWN, rule) == {}
    assert unrated_as_good(figure(rate="97"), OWN, rule) is None
    assert unrated_as_good(figure(90, 100), OWN._replace(unrated=0), rule) is None


def test_a_rate_a_tenth_of_a_point_off_is_still_right() -> None:
    rule = RULES["figure_mismatch"]
    assert figure_mismatch(figure(rate="90.1"), OWN, rule) == {}
    assert (figure_mismatch(figure(rate="90.11"), OWN, rule) or {})["difference_points"] == pytest.approx(0.11)
    assert figure_mismatch(figure(90, 100), OWN, rule) == {}
    assert figure_mismatch(figure(rate="90"), OWN._replace(counted=Rate()), rule) is None


def test_numerator_and_denominator_of_different_sets() -> None:
    own = Recomputed(counted=Rate(9000, 9990), everything=Rate(9010, 9995), unrated=0)
    found = figure_mismatch(figure(9010, 9990), own, RULES["figure_mismatch"]) or {}
    assert found["sets"] == {"numerator": "everything", "denominator": "counted"}
    assert figure_mismatch(figure(9000, 9990), own, RULES["figure_mismatch"]) == {}


def test_always_a_hundred_per_cent() -> None:
    rule = RULES["constant_rate"]
    series = [(figure(rate="100.00"), OWN)] * 6
    assert (constant_rate(series, rule) or {})["periods"] == 6
    assert constant_rate(series[1:], rule) is None
    assert constant_rate([*series[1:], (figure(rate="99.99"), OWN)], rule) == {}
    assert constant_rate([(figure(rate="100"), OWN._replace(counted=Rate(5, 5)))] * 6, rule) == {}


def test_no_data_is_neither_nought_nor_a_hundred() -> None:
    assert Rate().value is None
    assert Rate(0, 3).value == 0
    assert Rate(1, 3).value == Fraction(1, 3)
    assert Rate(5, 6).less(Rate(5, 6)).percent is None


def test_defaults_and_unknown_origins_are_not_counted() -> None:
    by_origin = {"active": Rate(8, 10), "agent_recorded": Rate(1, 2), "default": Rate(50, 50), "unknown": Rate(3, 3)}
    assert counted(by_origin) == (9, 12)
