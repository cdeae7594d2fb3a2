"""``gw call``: records in doubt at receivers that take them one by one."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Json, say, show, word
from gateway.cli.tables import table
from gateway.reports.waiting import SHOWN
from gateway.stages import call_acts, delivery_acts
from gateway.store import utc_aware

app = typer.Typer(no_args_is_help=True, add_completion=False)


class Found(StrEnum):
    """What the receiver said when a person asked."""

    ARRIVED = "arrived"
    ABSENT = "absent"


@app.command("list")
def list_calls(as_json: Json = False) -> None:
    """结果不明的记录，最早在前 · records in doubt, the oldest first."""
    lines = call_acts.in_doubt(gateway())
    show(lines)
    table(
        word("calls"),
        ("target", "batch", "item", "kind", "record", "tries", "begun"),
        [
            (
                *(line.target_id, line.batch_id[:SHOWN], line.item, word(f"kind.{line.kind}")),
                *(f"{line.record_key} v{line.version}", line.tries, utc_aware(line.begun_at)),
            )
            for line in lines
        ],
    )


@app.command()
def settle(
    batch_id: Annotated[str, typer.Argument(help="批次号 · the batch's id, or its first characters")],
    item: Annotated[int, typer.Argument(min=0, help="批内序号 · the record's index in the batch")],
    found: Annotated[
        Found, typer.Option("--as", help="arrived 对方已有 · absent 对方没有，可再送 · what the receiver said")
    ],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """与对方核对后登记结果 · what the receiver said when asked; a record that is absent goes again."""
    why = required(reason)
    context = gateway()
    batch = delivery_acts.find_batch(context, batch_id).line.batch_id
    call_acts.settle_call(context, batch, item, actor(), why, arrived=found is Found.ARRIVED)
    show({"batch_id": batch, "item": item, "found": found})
    say("call_settled", batch=batch[:SHOWN], item=item)
