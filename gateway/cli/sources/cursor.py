"""``gw source cursor``: where the next pull starts; moving it is an act with a warning and a trail."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Json, say, show, tell
from gateway.cli.sources.listing import SourceId
from gateway.stages import cursors

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command("show")
def show_cursor(source: SourceId, as_json: Json = False) -> None:
    """当前游标与最近几次改动 · the cursor as it stands, and who moved it."""
    held = cursors.held(gateway(), source)
    moves = [act._asdict() for act in held.moves]
    show({"source": source, "cursor": held.cursor, "version": held.version, "moves": moves})
    say("cursor.held", source=source, cursor=held.cursor or "–", moves=held.version)
    for act in held.moves:
        tell(f"  {act.happened_at:%Y-%m-%d %H:%M} {act.actor} {act.reason or ''}")


@app.command("set")
def set_cursor(
    source: SourceId,
    cursor: Annotated[str, typer.Argument(help="新游标 JSON；start 为从头 · JSON; start: from the beginning")],
    yes: Annotated[bool, typer.Option("--yes", help="执行；缺省只说明后果 · do it; by default only warn")] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """移动游标。往前移会漏采，往后移会重采（重复的不再入账） · forward loses records, backward reads them again."""
    context = gateway()
    wanted = cursors.readable(cursor)
    before = cursors.held(context, source).cursor
    if yes:
        cursors.move(context, source, wanted, actor(), required(reason))
    show({"source": source, "before": before, "after": wanted, "moved": yes})
    say("cursor.change", before=before or "–", after=wanted or "–")
    say("cursor.moved" if yes else "cursor.warning", source=source)
