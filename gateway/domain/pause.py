"""The breaker of one source (数据源熔断): when one that keeps failing is asked again. Pure; kept in the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

OPENS_AFTER: Final = 5  # failed pulls in a row
FIRST: Final = timedelta(minutes=2)
LONGEST: Final = timedelta(minutes=30)


def pause_after(failures: int, retry_after: float | None) -> timedelta | None:
    """How long to leave the source alone after ``failures`` in a row; the one pull after that is the probe.

    ``retry_after`` (seconds) is the source's own word and counts from the first failure on; ``None``: no pause.
    """
    asked = timedelta(seconds=retry_after) if retry_after else None
    if failures < OPENS_AFTER:
        return asked
    own: timedelta = min(FIRST * (1 << min(failures - OPENS_AFTER, 8)), LONGEST)
    return max(own, asked) if asked else own
