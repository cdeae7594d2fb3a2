"""A wall-clock limit on one action of a session whose own timeouts start anew with every packet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def deadline(seconds: float, stop: Callable[[], object]) -> Iterator[threading.Event]:
    """Call ``stop`` from another thread once ``seconds`` are over; the event then tells whose end it was."""
    late = threading.Event()

    def fire() -> None:
        late.set()
        stop()

    timer = threading.Timer(seconds, fire)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
