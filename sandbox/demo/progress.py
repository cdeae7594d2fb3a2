"""What the demo says while it works."""

from __future__ import annotations

import time


class Progress:
    """Steps with the time since the start; a line a step, so that logs stay readable."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._last = ""

    def step(self, sentence: str) -> None:
        print(f"[{self._elapsed():6.1f} s] {sentence}", flush=True)

    def note(self, sentence: str) -> None:
        """A figure that changes; said only when it did."""
        if sentence != self._last:
            self._last = sentence
            print(f"[{self._elapsed():6.1f} s]   {sentence}", flush=True)

    def _elapsed(self) -> float:
        return time.monotonic() - self._start
