"""Deadlines and order ids: pure, so checked against the written rules."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.digest import sm3
from gateway.domain.deadline import DEFAULT_RULE, due_at
from gateway.domain.order_identity import external_id, order_id

SHANGHAI = ZoneInfo("Asia/Shanghai")
GOLDEN = [  # calendar rules, section 4: start, last day of 15 natural days
    ("2026-02-12", "2026-02-27"),
    ("2026-02-14", "2026-03-01"),
    ("2026-04-30", "2026-05-15"),
    ("2026-09-18", "2026-10-03"),
    ("2026-11-22", "2026-12-07"),
]


@pytest.mark.parametrize(("start", "last_day"), GOLDEN)
@pytest.mark.parametrize("at", [time(0), time(12, 30), time(23, 59, 59)])
def test_fifteen_natural_days_end_with_the_last_day(start: str, last_day: str, at: time) -> None:
    received = datetime.combine(date.fromisoformat(start), at, SHANGHAI)
    end = datetime.combine(date.fromisoformat(last_day) + timedelta(days=1), time(), SHANGHAI)
    assert due_at(received) == end


def test_the_local_date_counts_not_the_utc_date() -> None:
    evening_utc = datetime(2026, 11, 21, 17, tzinfo=UTC)  # 01:00 of the 22nd in Shanghai
    assert due_at(evening_utc) == datetime(2026, 12, 8, tzinfo=SHANGHAI)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)))  # noqa: DTZ001
def test_a_deadline_leaves_fifteen_to_sixteen_days(moment: datetime) -> None:
    received = moment.replace(tzinfo=UTC)
    assert timedelta(days=DEFAULT_RULE.days) < due_at(received) - received <= timedelta(days=DEFAULT_RULE.days + 1)


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        due_at(datetime(2026, 11, 22))  # noqa: DTZ001


def test_ids_are_the_same_everywhere_and_name_nobody() -> None:
    assert order_id(sm3, "P1#1#1", 1) == sm3(b"order\0P1#1#1\x001").hex()[:32]
    outside = external_id(sm3, "P1#1#1", 2, "511602000000")
    assert outside == "HCP-511602-" + sm3(b"evaluation\0P1#1#1").hex()[:20] + "-2"
    assert re.fullmatch(r"HCP-511602-[0-9a-f]{20}-2", outside)
    assert "P1" not in outside
    assert order_id(sm3, "P1#1#1", 2) != order_id(sm3, "P1#1#1", 1)
