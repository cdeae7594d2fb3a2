"""Letting Python's cyclic garbage collector rest while a stage works through records.

Records are trees: reference counting frees them, the collector finds nothing in them, yet walks them, and with them the
masters and mappings of the whole process, again and again (a quarter of a stage's time). A stage has it look once
after each chunk instead, when the chunk's records are gone, and only at what is new.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

NEW = 1  # generations 0 and 1: all that has been made since the last look


@contextmanager
def collector_at_rest() -> Iterator[Callable[[], None]]:
    """The collector stands still inside the block, but for the looks that the yielded function asks for."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield _look
    finally:
        _look()
        if was_enabled:
            gc.enable()


def _look() -> None:
    gc.collect(NEW)
