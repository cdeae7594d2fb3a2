"""``gw source list``, and what the commands of this folder share."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.output import Exit, Json, leave, mode, say, show, word
from gateway.cli.tables import short, table
from gateway.errors import Misconfigured
from gateway.mapping import BrokenSource
from gateway.messages import explain
from gateway.reports.status import gateway_status
from gateway.stages.context import Context
from gateway.store import lives
from schemas.source import SourceFile

SourceId = Annotated[str, typer.Argument(help="数据源 · source")]


def list_sources(as_json: Json = False) -> None:
    """数据源及其状态 · sources and how they stand."""
    context = gateway()
    lines = gateway_status(context.store, context.sources, context.clock()).sources
    rows = [(context.sources[line.source_id], line) for line in lines]
    with context.store.read() as transaction:
        alive = {name: one.life.value for name, one in lives.of_sources(transaction, context.sources).items()}
    known = [
        {**source.model_dump(exclude={"mapping", "options"}), "state": line.state, "life": alive[source.source]}
        for source, line in rows
    ]
    show([*known, *({"source": one.source, "file": one.file, "state": "broken"} for one in context.broken_sources)])
    table(
        "",
        ("source", "name", "kind", "life", "schedule", "state", "last_success"),
        [
            (
                s.source,
                short(s.name),
                s.connector,
                word(f"life.{alive[s.source]}"),
                s.schedule or "–",
                word(f"state.{line.state}") if s.enabled else word("disabled"),
                line.last_success_at,
            )
            for s, line in rows
        ],
    )
    tell_broken(context)
    leave(Exit.PARTLY if context.broken_sources else Exit.DONE)


def tell_broken(context: Context) -> None:
    """Files that can't be used, each with its line, key and what was expected."""
    for one in context.broken_sources:
        say("source_broken", file=one.file, error=one.error.code, message=explain(one.error, mode.lang))


def chosen(
    sources: list[SourceFile], broken: list[BrokenSource], wanted: str, *, strict: bool = False
) -> tuple[list[SourceFile], list[BrokenSource]]:
    """Only ``wanted``; a source that nobody knows is refused, and with ``strict`` a broken one too."""
    files = [file for file in sources if file.source == wanted]
    faults = [one for one in broken if one.source == wanted]
    if not files and not faults:
        raise Misconfigured("source.unknown", source=wanted, known=", ".join(file.source for file in sources))
    if strict and not files:
        raise faults[0].error
    return files, faults
