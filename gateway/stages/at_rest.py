"""Letting Python's cyclic garbage collector rest while a stage works through records.

Records are trees: reference counting frees them, the collector finds nothing in them, yet walks them, and with them the
masters and mappings of the whole process, again and again (a quarter of a stage's time). A stage has it look now and
then between two chunks instead, when a chunk's records are gone, and only at what is new.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

NEW = 1  # generations 0 and 1: all that has been made since the last look
LOOKS_EVERY = 8  # chunks: cycles are rare, and a look walks all that is new, memories of conversions included


@contextmanager
def collector_at_rest() -> Iterator[Callable[[], None]]:
    """The collector stands still inside the block, but for the looks that the yielded function asks for."""
    was_enabled = gc.isenabled()
    gc.disable()
    chunks = count(1)

    def look() -> None:
        if next(chunks) % LOOKS_EVERY == 0:
            _look()

    try:
        yield look
    finally:
        _look()
        if was_enabled:
            gc.enable()


def _look() -> None:
    gc.collect(NEW)
