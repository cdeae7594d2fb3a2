"""``gw stuck``: what stands still, since when, why, and who must act."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.output import Exit, Json, leave, mode, say, show, tell, word
from gateway.cli.tables import table
from gateway.messages import text
from gateway.reports.stuck import Stuck
from gateway.reports.stuck import stuck as stuck_now

app = typer.Typer(add_completion=False)
SHOWN, MOST = 12, 5


@app.command()
def stuck(
    why: Annotated[
        bool, typer.Option("--why", help="说明原因、下一步和批次 · with reason, next act and batches")
    ] = False,
    as_json: Json = False,
) -> None:
    """滞留：停在哪里、多久、为何、等谁。有滞留的，退出码 3。

    · What stands still, since when, why and who must act; exit code 3 if anything does.
    """
    context = gateway()
    lines = stuck_now(context.store, context.clock(), context.targets.unheard)
    show([_document(line) for line in lines])
    if not lines:
        say("nothing_stuck")
        return
    table(
        word("stuck"),
        ("subject", "state", "code", "count", "overdue", "since", "owner"),
        [
            (
                f"{text(f'stuck.of.{line.what}', mode.lang)} {line.target_id}".strip(),
                line.state_text[mode.lang],
                line.code,
                line.count,
                line.overdue,
                line.since,
                line.owner_text[mode.lang],
            )
            for line in lines
        ],
    )
    if why:
        for line in lines:
            _tell(line)
    leave(Exit.PARTLY)


def _tell(line: Stuck) -> None:
    whole = line.what == "record"  # keys, not ids that a few characters tell apart
    ids = " ".join(one if whole else one[:SHOWN] for one in line.ids[:MOST]) + (" …" if len(line.ids) > MOST else "")
    tell("")
    tell(f"{line.state_text[mode.lang]}  {line.code or ''}  {ids}")
    tell(f"  {line.why[mode.lang]}")
    tell(f"  {line.owner_text[mode.lang]} · {line.command}")


def _document(line: Stuck) -> dict[str, object]:
    return {
        "what": line.what,
        "target": line.target_id,
        "state": line.state,
        "code": line.code,
        "why": line.why[mode.lang],
        "owner": line.owner,
        "count": line.count,
        "overdue": line.overdue,
        "since": line.since,
        "sla_seconds": None if line.sla is None else int(line.sla.total_seconds()),
        "command": line.command,
        "ids": line.ids,
    }
