"""Region codes (行政区划代码) as a tree: twelve digits, whose first 2, 4, 6, 9 and 12 name the levels.

Province, prefecture, county (GB/T 2260), town and village (GB/T 10114); what a level leaves open is zeros.
"""

from __future__ import annotations

from collections.abc import Iterable

WIDTHS = (2, 4, 6, 9, 12)
COUNTY = 6
FULL = 12


def padded(code: str) -> str | None:
    """Twelve digits of a code of 2, 4, 6, 9 or 12; none for anything else."""
    return code.ljust(FULL, "0") if len(code) in WIDTHS and code.isascii() and code.isdigit() else None


def width(code: str) -> int:
    """How many digits of a twelve-digit code say where it is; those behind are zeros."""
    used = len(code.rstrip("0"))
    return next(each for each in WIDTHS if each >= used)


def prefix(region: str) -> str:
    """What the codes of all places in ``region`` begin with."""
    return region[: width(region)]


def within(code: str, region: str) -> bool:
    """Is the place ``code`` in ``region``, or the region itself?"""
    return code.startswith(prefix(region))


def common(codes: Iterable[str | None]) -> str | None:
    """The smallest region that holds them all; none when one is unknown, or they have no province in common."""
    known = list(codes)
    if not known or not all(known):
        return None
    first, last = min(filter(None, known)), max(filter(None, known))
    shared = next((each for each in reversed(WIDTHS) if first[:each] == last[:each]), 0)
    return first[:shared].ljust(FULL, "0") if shared else None


def at_level(code: str, digits: int) -> str:
    """The region of ``digits`` digits that ``code`` lies in."""
    return code[:digits].ljust(FULL, "0")


def finer(region: str | None) -> int:
    """The width of the level below ``region``: counties where none is given, a village's own below it."""
    if region is None:
        return COUNTY
    return next((each for each in WIDTHS if each > width(region)), FULL)
