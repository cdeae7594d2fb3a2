"""What a command prints: tables for people, one JSON document with ``--json``; and how it ends."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import Enum, IntEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gateway.domain.moments import shanghai
from gateway.errors import GatewayError, Misconfigured, Rejected, Transient
from gateway.messages import Lang, explain, text


class Exit(IntEnum):
    """Exit codes of ``gw``; 2 stays with wrong usage, as everywhere."""

    DONE = 0
    FAILED = 1  # a fault of ours; evidence is on stderr
    USAGE = 2
    PARTLY = 3  # some of it waits or failed; told line by line
    REFUSED = 4  # what was asked is not possible, or the data is wrong
    MISCONFIGURED = 5  # an operator must change something first
    LATER = 6  # the other side is not there: try again later


class _Mode:
    """How this process speaks; set once from the global options."""

    json = False
    lang: Lang = "zh"


mode = _Mode()


def _speak_json(chosen: bool) -> bool:
    mode.json = mode.json or chosen
    return chosen


Json = Annotated[bool, typer.Option("--json", help="机器可读 · one JSON document", callback=_speak_json, is_eager=True)]
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def word(key: str, **params: Any) -> str:
    return text(f"cli.{key}", mode.lang, **params)


def say(key: str, **params: Any) -> None:
    """A sentence for people; silent with ``--json``."""
    if not mode.json:
        out.print(word(key, **params), markup=False)


def show(document: Any) -> None:
    """One JSON document, only with ``--json``."""
    if mode.json:
        sys.stdout.write(json.dumps(document, default=plain, ensure_ascii=False, indent=2) + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table for people; numbers to the right, nothing said without rows but that there are none."""
    if mode.json:
        return
    grid = Table(title=title, title_justify="left", header_style="bold", expand=False)
    rows = [tuple(row) for row in rows]
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        grid.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(shown(cell) for cell in row))
    out.print(grid)


def shown(cell: Any) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, datetime):
        return shanghai(cell).strftime("%m-%d %H:%M:%S")
    return str(cell).replace("[", "\\[")


def plain(value: Any) -> Any:
    """What json can't say by itself: moments as RFC 3339 with offset, dataclasses as objects."""
    if isinstance(value, datetime):
        return shanghai(value).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def failure(error: GatewayError) -> Exit:
    """Tell ``error`` and say how the process ends."""
    if mode.json:
        show({"error": error.code, "message": explain(error, mode.lang), "params": error.params})
    else:
        err.print(f"[bold red]{error.code}[/] ", end="")
        err.print(explain(error, mode.lang), markup=False)
    return exit_for(error)


def exit_for(error: GatewayError) -> Exit:
    if isinstance(error, Misconfigured):
        return Exit.MISCONFIGURED
    if isinstance(error, Transient):
        return Exit.LATER
    return Exit.REFUSED if isinstance(error, Rejected) else Exit.FAILED


def leave(code: Exit) -> None:
    """End the command with ``code`` unless it is plainly done."""
    if code is not Exit.DONE:
        raise typer.Exit(int(code))
