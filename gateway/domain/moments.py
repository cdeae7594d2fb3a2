"""Moments (时刻): stored in UTC without zone, counted and shown in Asia/Shanghai."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def shanghai(moment: datetime) -> datetime:
    """A stored (naive UTC) or aware moment in local time."""
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(SHANGHAI)


def shanghai_text(moment: datetime | None) -> str:
    """``MM-dd HH:mm:ss`` for screens; a dash where there is none."""
    return "–" if moment is None else shanghai(moment).strftime("%m-%d %H:%M:%S")


def day_text(moment: datetime | None) -> str:
    """``yyyy-MM-dd`` for screens, where the year counts; a dash where there is none."""
    return "–" if moment is None else shanghai(moment).date().isoformat()


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """A local day, end excluded; aware."""
    start = datetime.combine(day, time(), SHANGHAI)
    return start, start + timedelta(days=1)
