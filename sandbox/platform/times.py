"""The platform's clock and the two forms of time that it reads."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "+08:00")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\+08:00", re.ASCII)


class Clock:
    """Real time, unless the test bench freezes or shifts it."""

    def __init__(self) -> None:
        self._frozen: datetime | None = None
        self._shift = timedelta()

    def now(self) -> datetime:
        """Aware, in Asia/Shanghai."""
        if self._frozen is not None:
            return self._frozen
        return datetime.fromtimestamp(time.time(), SHANGHAI) + self._shift

    def freeze(self, moment: datetime) -> None:
        self._frozen = moment.astimezone(SHANGHAI)

    def shift(self, seconds: float) -> None:
        self._frozen, self._shift = None, timedelta(seconds=seconds)

    def reset(self) -> None:
        self._frozen, self._shift = None, timedelta()


def read_time(text: str) -> datetime:
    """RFC 3339, whole seconds, ``+08:00``, neither ``:60`` nor ``24:00:00``; ValueError otherwise."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("not a whole second at +08:00")
    return datetime.fromisoformat(text)


def write_time(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).replace(microsecond=0).isoformat()
