"""``gw batch``: sealed batches."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli import batch_acts
from gateway.cli.flow import business_day
from gateway.cli.opening import gateway
from gateway.cli.output import Json, mode, say, show, tell, title, word
from gateway.cli.tables import table
from gateway.domain.batch import BatchState
from gateway.errors import Rejected
from gateway.reports.waiting import SHOWN
from gateway.stages import delivery_acts
from gateway.store import batch_lines

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(batch_acts.app)
BatchId = Annotated[str, typer.Argument(help="批次号 · the batch's id, or its first characters")]


@app.command("list")
def list_batches(
    state: Annotated[str | None, typer.Option(help="状态 · " + ", ".join(BatchState))] = None,
    date: Annotated[str | None, typer.Option(help="业务日 · business day")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """批次列表，最新在前 · batches, newest first."""
    states = None if state is None else [_state(state)]
    day = None if date is None else business_day(date)
    context = gateway()
    with context.store.read() as transaction:
        lines = batch_lines.list_batches(transaction, context.clock(), None, states, day, limit)
    show(lines)
    table(
        word("batches"),
        ("batch", "seq", "state", "records", "attempts", "code", "day", "next_attempt"),
        [
            (
                line.batch_id[:SHOWN],
                line.seq,
                _named(line),
                line.record_count,
                line.attempts,
                line.failure_code,
                line.business_date,
                line.next_attempt_at,
            )
            for line in lines
        ],
    )


@app.command("show")
def show_batch(batch_id: BatchId, as_json: Json = False) -> None:
    """一个批次的全部经过 · one batch with attempts, history, receipts and coded items."""
    detail = delivery_acts.find_batch(gateway(), batch_id)
    show(detail)
    line = detail.line
    tell(f"{line.batch_id}  #{line.seq}  {_named(line)}  {line.record_count} × {detail.suite}")
    if line.failure_code:
        tell(f"{line.failure_code} {line.failure_text[mode.lang]}")
    if line.acts:
        say("batch_acts", acts=", ".join(line.acts))
    table(
        word("attempts"),
        ("attempt", "started", "finished", "outcome", "http", "code"),
        [(a.attempt, a.started_at, a.finished_at, a.outcome, a.http_status, a.code) for a in detail.attempts],
    )
    table(
        word("history"),
        ("time", "event", "state", "actor", "detail"),
        [(e.happened_at, e.event, e.to_state, e.actor, e.detail) for e in detail.events],
        prose="detail",
    )
    if detail.items:
        table(
            word("items"),
            ("item", "kind", "record", "code"),
            [(i.item, i.kind, f"{i.record_key} v{i.version}", i.code, title(i.code)) for i in detail.items],
        )
    for receipt in detail.receipts:
        say("receipt", id=receipt.receipt_id, valid=word("valid" if receipt.valid else "invalid"), seen=receipt.seen)


def _state(name: str) -> BatchState:
    try:
        return BatchState(name.upper())
    except ValueError as unknown:
        raise Rejected("cli.state_unknown", state=name, known=", ".join(BatchState)) from unknown


def _named(line: batch_lines.BatchLine) -> str:
    return line.state_text[mode.lang]
