"""``gw order``: work orders."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Json, mode, say, show, tell, word
from gateway.cli.tables import table
from gateway.domain.moments import shanghai_text
from gateway.domain.order import State
from gateway.errors import Rejected
from gateway.messages import text
from gateway.stages.order_acts import correct_order
from gateway.store import order_views, utc_naive

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command("list")
def list_orders(
    state: Annotated[str | None, typer.Option(help="状态代码，如 15 · state code")] = None,
    region: Annotated[str | None, typer.Option(help="区划代码前缀 · leading digits of the region's code")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="仅超期 · only overdue ones")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """工单列表，最急在前 · orders, the most pressing first."""
    if state is not None and state not in set(State):
        raise Rejected("cli.state_unknown", state=state, known=", ".join(State))
    context = gateway()
    with context.store.read() as transaction:
        lines = order_views.list_orders(
            transaction, utc_naive(context.clock()), state=state, area_prefix=region, overdue=overdue, limit=limit
        )
    show(lines)
    table(
        word("orders"),
        ("remote_no", "state", "due", "region", "level", "attempts", "code", "order"),
        [
            (
                line.remote_no,
                f"{line.state} {_state_name(line)}" + (f" {word('overdue')}" if line.overdue else ""),
                line.due_at,
                line.area_code,
                line.satisfaction,
                line.attempts,
                line.error_code,
                line.external_id,
            )
            for line in lines
        ],
    )


@app.command("show")
def show_order(
    order_id: Annotated[str, typer.Argument(help="工单号、外部编号或 12345 编号 · any of its numbers")],
    as_json: Json = False,
) -> None:
    """一张工单的全部经过 · one order with its history; no personal data."""
    context = gateway()
    with context.store.read() as transaction:
        found = order_views.show_order(transaction, order_id, utc_naive(context.clock()))
    if found is None:
        raise Rejected("cli.order_unknown", order=order_id)
    order, events = found
    show({"order": order, "events": events})
    tell(f"{order.external_id}  {order.state} {_state_name(order)}  {order.remote_no or '–'}")
    tell(word("order_line", source=order.source_id, record=order.evaluation_key, due=shanghai_text(order.due_at)))
    if order.error_code:
        tell(f"{order.error_code} {text(order.error_code, mode.lang)}")
    table(
        word("history"),
        ("time", "event", "state", "actor", "detail"),
        [(e.happened_at, e.event, e.to_state, e.actor, e.payload) for e in events],
        prose="detail",
    )


@app.command("correct")
def correct(
    order_id: Annotated[str, typer.Argument(help="工单号、外部编号或 12345 编号 · any of its numbers")],
    dept: Annotated[str | None, typer.Option(help="责任单位代码 · the responsible unit's code")] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """补正待补正的工单，使其重新派发 · correct an order that waits for it, so that it is dispatched."""
    why = required(reason)
    moved = correct_order(gateway(), order_id, actor(), why, dept)
    show({"order": moved.external_id, "state": moved.state, "dept_code": moved.dept_code})
    say("order_corrected", order=moved.external_id)


def _state_name(line: order_views.OrderView) -> str:
    return line.state_name if mode.lang == "zh" else text(f"order.{line.state}", "en")
