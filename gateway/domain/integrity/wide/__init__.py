"""Patterns spread thinly over all departments of a source, where no single department's share is remarkable.

Counted while the source streams by, in memory that hardly grows with it: arrays over seconds, entries for different
texts and combinations. What is expected is taken from the source itself: the moments beside, the other combinations.
"""

from gateway.domain.integrity.wide.source import SourceWide
from gateway.domain.integrity.wide.wide_signal import WideSignal

__all__ = ["SourceWide", "WideSignal"]
