"""When to try again: full jitter below a doubling ceiling (退避), and when to stop."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

CEILING: Final = timedelta(hours=1)
WINDOW: Final = timedelta(hours=72)
MAX_ATTEMPTS: Final = 200  # a safety net: 72 h of these delays take about 150 attempts


def delay(failures: int, base_seconds: float, draw: float, floor_seconds: float | None = None) -> timedelta:
    """``draw · min(1 h, base · 2^failures)``, ``draw`` from [0, 1); Retry-After is the floor."""
    ceiling = min(CEILING.total_seconds(), base_seconds * 2.0 ** min(failures, 40))
    return timedelta(seconds=max(draw * ceiling, floor_seconds or 0.0))


def exhausted(attempts: int, window_started_at: datetime, now: datetime) -> bool:
    """Whether the attempts or the retry window are used up (row 13)."""
    return attempts >= MAX_ATTEMPTS or (attempts > 0 and now - window_started_at >= WINDOW)
