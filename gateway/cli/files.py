"""``gw source files``: the ledger of files that a source dropped, and what became of each."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.output import Json, show, word
from gateway.cli.tables import table
from gateway.store import files


class Outcome(StrEnum):
    """What may become of a file."""

    LANDED = files.LANDED
    REPEATED = files.REPEATED
    CHANGED = files.CHANGED
    REFUSED = files.REFUSED


def source_files(
    source: Annotated[str, typer.Argument(help="数据源 · source")],
    outcome: Annotated[Outcome | None, typer.Option(help="只看这种结果 · of one outcome")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最近多少个 · the newest")] = 50,
    as_json: Json = False,
) -> None:
    """文件台账：取过的、重复的、变更的、拒收的 · files taken, repeated, changed, refused."""
    context = gateway()
    context.source(source)
    with context.store.read() as transaction:
        lines = files.lines(transaction, source, limit, outcome)
    show(lines)
    table(
        "",
        ("file_name", "file_bytes", "file_outcome", "file_reason", "file_noted", "file_digest"),
        [
            (
                line.name,
                line.size,
                word(f"file_outcome.{line.outcome}"),
                word(f"file_reason.{line.refused_code}") if line.refused_code else None,
                line.noted_at,
                line.digest[:16] or None,
            )
            for line in lines
        ],
    )
