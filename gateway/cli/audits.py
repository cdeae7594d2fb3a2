"""``gw audit``: who did what, to what, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.output import Json, show, word
from gateway.cli.tables import table
from gateway.store import audit

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def audits() -> None:
    """审计 · audit"""


@app.command("list")
def list_acts(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="最多行数 · at most so many lines")] = 50,
    as_json: Json = False,
) -> None:
    """人工操作，最新在前。 · What people did, newest first."""
    context = gateway()
    with context.store.read() as transaction:
        acts = audit.recent(transaction, limit)
    show([act._asdict() for act in acts])
    table(
        word("audit"),
        ("time", "actor", "act", "object", "outcome", "reason"),
        [(act.happened_at, act.actor, act.act, act.object_id, act.outcome, act.reason) for act in acts],
        prose="reason",
    )
