"""Letting Python's cyclic garbage collector rest while a stage works through records.

Records are trees: reference counting frees them, the collector finds nothing in them, yet walks them again and again
(a quarter of normalising). It looks once after each chunk instead, when the chunk's records are gone.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 1  # what has been made since the last look


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """The collector stands still inside the block and looks at what the block has left when it ends."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect(YOUNG)
        if was_enabled:
            gc.enable()
