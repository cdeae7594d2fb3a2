"""When a source is left alone: its maintenance, its breaker, its own word."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from pydantic import ValidationError

from connectors.moments import SHANGHAI, in_like
from gateway.domain.pause import FIRST, LONGEST, OPENS_AFTER, pause_after
from schemas.flow import Maintenance, Rate, in_maintenance

NIGHT = Maintenance(hours="23:00-01:30", weekdays=[6, 7])  # Saturday and Sunday


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-21 22:59", None),  # Saturday
        ("2026-11-21 23:00", "2026-11-22 01:30"),
        ("2026-11-22 01:29", "2026-11-22 01:30"),
        ("2026-11-22 01:30", None),
        ("2026-11-23 01:00", "2026-11-23 01:30"),  # Monday, in what Sunday began
        ("2026-11-23 23:30", None),
    ],
)
def test_a_window_may_pass_midnight_and_belongs_to_the_day_it_begins_on(now: str, until: str | None) -> None:
    assert NIGHT.until(at(now)) == (None if until is None else at(until))


def test_windows_that_follow_on_each_other_are_one() -> None:
    later = Maintenance(hours="01:30-04:00")
    assert in_maintenance([NIGHT, later], at("2026-11-21 23:10")) == at("2026-11-22 04:00")
    assert in_maintenance([NIGHT, later], at("2026-11-20 12:00")) is None


def test_a_source_that_is_always_in_maintenance_comes_to_an_answer() -> None:
    whole = [Maintenance(hours="00:00-12:00"), Maintenance(hours="12:00-00:00")]
    assert in_maintenance(whole, at("2026-11-20 12:00")) is not None


@pytest.mark.parametrize("hours", ["24:00-01:00", "1:00-2:00", "23:00", "23:60-01:00"])
def test_hours_that_no_clock_shows_are_refused(hours: str) -> None:
    with pytest.raises(ValidationError):
        Maintenance(hours=hours)


def test_the_breaker_opens_late_and_never_for_longer_than_half_an_hour() -> None:
    assert [pause_after(count, None) for count in range(1, OPENS_AFTER)] == [None] * (OPENS_AFTER - 1)
    assert pause_after(OPENS_AFTER, None) == FIRST
    assert pause_after(OPENS_AFTER + 1, None) == 2 * FIRST
    assert pause_after(10_000, None) == LONGEST


def test_the_sources_own_word_counts_from_the_first_failure_on() -> None:
    assert pause_after(1, 600.0) == timedelta(seconds=600)
    assert pause_after(OPENS_AFTER, 1.0) == FIRST


def test_a_rate_is_spread_evenly() -> None:
    assert Rate(calls=10, seconds=2.0).interval == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("sample", "written"),
    [
        ("2026-11-20 08:00:00", "2026-01-02 00:00:00"),
        ("20261120080000", "20260102000000"),
        ("2026-11-20T00:00:00Z", "2026-01-01T16:00:00Z"),
        ("1763596800", "1767283200"),
        ("1763596800000", "1767283200000"),
    ],
)
def test_a_moment_is_written_as_the_source_writes_its_own(sample: str, written: str) -> None:
    assert in_like(sample, at("2026-01-02 00:00")) == written
