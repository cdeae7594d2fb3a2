"""Crash points (崩溃点) r1 to r4: the process sends itself SIGKILL, without exception or cleanup.

Armed by ``GATEWAY_CRASH_AT=name:n`` (the n-th pass) or over the test bench.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Mapping

POINTS = {
    "r1": "before store",
    "r2": "stored, not applied",
    "r3": "applied, not marked",
    "r4": "marked, no receipt out",
}


class CrashPoints:
    """Counts every pass; kills the process at the armed one."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.passes: Counter[str] = Counter()
        self._armed: dict[str, int] = {}
        name, _, turn = environment.get("GATEWAY_CRASH_AT", "").partition(":")
        if name in POINTS:
            self.arm(name, int(turn or 1))

    def arm(self, name: str, turn: int = 1) -> None:
        """Kill at the ``turn``-th pass from now on."""
        self._armed[name] = self.passes[name] + turn

    def disarm(self) -> None:
        self._armed.clear()

    def reach(self, name: str) -> None:
        self.passes[name] += 1
        if self._armed.get(name) == self.passes[name]:
            self.die(name)

    def die(self, name: str) -> None:
        """The process is gone."""
        os.kill(os.getpid(), signal.SIGKILL)
