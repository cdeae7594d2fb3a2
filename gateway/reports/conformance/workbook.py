"""Cells of a workbook: what is a number, what is text, and that no text can act as a formula."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from unicodedata import east_asian_width

NARROWEST, WIDEST = 8, 60
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


class Share(NamedTuple):
    """A share, shown in percent; none as a dash."""

    value: float | None


class Text(NamedTuple):
    """Text of our own making (▲ 3, –): written as it is."""

    value: str


def escaped(text: str) -> str:
    """Text as a cell may hold it: what a spreadsheet could run as a formula gets an apostrophe before it."""
    return "'" + text if text.startswith(DANGEROUS) else text


def write_cell(page: Any, row: int, column: int, cell: Any, formats: Mapping[str, Any]) -> None:
    """Write one cell by its kind; a number stays a number."""
    if isinstance(cell, Share):
        if cell.value is None:
            page.write_string(row, column, "–", formats["text"])
        else:
            page.write_number(row, column, cell.value, formats["share"])
    elif isinstance(cell, Text):
        page.write_string(row, column, cell.value, formats["text"])
    elif isinstance(cell, int | float):
        page.write_number(row, column, cell, formats["count"])
    else:
        page.write_string(row, column, "–" if cell is None else escaped(str(cell)), formats["text"])


def width_of(cells: Iterable[Any]) -> int:
    """A column's width: of its longest text, CJK counting two, within bounds."""
    return min(max(NARROWEST, *(_columns(cell) + 2 for cell in cells)), WIDEST)


def _columns(cell: Any) -> int:
    text = str(cell.value if isinstance(cell, Share | Text) else cell)
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
