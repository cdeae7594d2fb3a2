"""The clock (时钟) of a double: real time, shifted on demand, so that a night may pass in a minute."""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.generator.model import SHANGHAI


class Clock:
    """One a process, and a double is a process."""

    def __init__(self) -> None:
        self.shift = 0.0  # seconds

    def now(self) -> datetime:
        """Aware, in Asia/Shanghai."""
        return datetime.now(SHANGHAI) + timedelta(seconds=self.shift)


CLOCK = Clock()
