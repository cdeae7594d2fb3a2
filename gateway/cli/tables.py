"""Tables for people: figures to the right, ids never broken; a narrow terminal gets one block a row instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.table import Table
from rich.text import Text

from gateway.cli.output import UNBOUND, mode, out, tell, word
from gateway.domain.moments import shanghai_text

LEAST_PROSE = 24  # columns below which wrapped prose is noise
NAME = 22
Row = Sequence[Any]


def table(title: str, columns: Sequence[str], rows: Iterable[Row], *, prose: str | None = None) -> None:
    """Rows under ``columns`` (keys of words). ``prose``: the one column that may wrap. No rows: says that."""
    if mode.json:
        return
    rows = [tuple(row) for row in rows]
    cells = [tuple(shown(cell) for cell in row) for row in rows]
    if title:
        out.print(title, style="bold", markup=False)
    if not cells:
        tell(f"  {word('none')}")
        return
    heads = [word(column) for column in columns]
    free = columns.index(prose) if prose in columns else None
    if _least(heads, cells, free) > out.width:
        _blocks(heads, cells)
        return
    grid = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for index, head in enumerate(heads):
        figures = _figures(row[index] for row in rows)
        grid.add_column(head, justify="right" if figures else "left", no_wrap=index != free, overflow="fold")
    for line in cells:
        grid.add_row(*(Text(cell) for cell in line))
    out.print(grid, soft_wrap=False)


def shown(cell: Any) -> str:
    if cell is None or cell == "":
        return "–"
    if isinstance(cell, datetime):
        return shanghai_text(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    return str(cell)


def short(name: str) -> str:
    """A name as long as a list has room for, cut with a mark; whole where nothing is wrapped."""
    if out.width >= UNBOUND or cell_len(name) <= NAME:
        return name
    return set_cell_size(name, NAME - 1).rstrip() + "…"


def _figures(cells: Iterable[Any]) -> bool:
    known = [cell for cell in cells if cell is not None]
    return bool(known) and all(isinstance(cell, int) and not isinstance(cell, bool) for cell in known)


def _least(heads: Sequence[str], rows: Sequence[Sequence[str]], free: int | None) -> int:
    """Columns that the table needs at least; its prose may shrink to :data:`LEAST_PROSE`."""
    widths = [max(cell_len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    if free is not None:
        widths[free] = min(widths[free], LEAST_PROSE)
    return sum(widths) + 2 * len(widths)


def _blocks(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    edge = max(cell_len(head) for head in heads)
    for row in rows:
        for head, cell in zip(heads, row, strict=True):
            out.print(f"  {set_cell_size(head, edge)}  {cell}", markup=False)
        out.print()
