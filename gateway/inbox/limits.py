"""How much one sender may ask (限流), and how much all of them together may hold in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.errors import Transient

HELD_BYTES = 64 * 1024 * 1024
HELD_REQUESTS = 500
BUSY_SECONDS = 2.0  # said to those who find no room


class Bucket:
    """A token bucket (令牌桶): ``burst`` requests at once, ``per_second`` over time. Used by one thread."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._left, self._looked = float(burst), clock()

    def take(self) -> None:
        """One request; ``Transient('inbox.throttled')`` with the seconds until the next one is allowed."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._looked) * self._per_second)
        self._looked = now
        if self._left < 1:
            raise Transient("inbox.throttled", retry_after=(1 - self._left) / self._per_second)
        self._left -= 1


class Room:
    """What all requests under way may hold together. Taken before a body is read. Used by one thread."""

    def __init__(self, requests: int = HELD_REQUESTS, size: int = HELD_BYTES) -> None:
        self._requests, self._bytes = requests, size

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Room for one request of at most ``size`` bytes; ``Transient('inbox.busy')`` when there is none."""
        if self._requests < 1 or self._bytes < size:
            raise Transient("inbox.busy", retry_after=BUSY_SECONDS)
        self._requests, self._bytes = self._requests - 1, self._bytes - size
        try:
            yield
        finally:
            self._requests, self._bytes = self._requests + 1, self._bytes + size
