"""The circuit breaker of one target (熔断): pure steps, kept in the database and shown to operators."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

OPENS_AFTER: Final = 5
OPEN_FOR: Final = timedelta(minutes=1)
PROBES: Final = 3

Position = Literal["closed", "open", "half_open"]


class Breaker(NamedTuple):
    """``failures``: in a row while closed; while half open, the probes that must still succeed."""

    position: Position = "closed"
    failures: int = 0
    opened_at: datetime | None = None

    def at(self, now: datetime) -> Breaker:
        """The breaker as it stands at ``now``: an open one lets probes through after a minute.

        One that was opened later than in a minute's time was opened by a clock that ran ahead: it would be shut for as
        long as that, and a probe harms nobody.
        """
        if self.position == "open" and (self.opened_at is None or abs(now - self.opened_at) >= OPEN_FOR):
            return Breaker("half_open", PROBES, self.opened_at)
        return self

    def admits(self, now: datetime) -> bool:
        """Whether a call may be made at ``now``."""
        return self.at(now).position != "open"

    def succeeded(self, now: datetime) -> Breaker:
        """After an answer that shows the platform working."""
        current = self.at(now)
        if current.position == "half_open" and current.failures > 1:
            return current._replace(failures=current.failures - 1)
        return Breaker()

    def failed(self, now: datetime) -> Breaker:
        """After a failure that speaks of the platform, not of the batch."""
        current = self.at(now)
        if current.position == "closed" and current.failures + 1 < OPENS_AFTER:
            return Breaker("closed", current.failures + 1)
        return Breaker("open", OPENS_AFTER, now)
