"""What a dispatcher (派单员) does to orders that wait for correction (待补正): let them be dispatched. Audited."""

from __future__ import annotations

from gateway.domain.order import Event, State
from gateway.errors import Rejected
from gateway.stages.context import Context
from gateway.stages.hotline_target import now
from gateway.store import audit, order_views, orders
from gateway.store.audit import Act
from gateway.store.orders import WorkOrder

LONGEST_DEPT = 18


def correct_order(context: Context, order_id: str, actor: str, reason: str, dept_code: str | None = None) -> WorkOrder:
    """Let order ``order_id`` (any of its numbers) go to 12345 again; with another responsible unit, if given.

    Raises ``Rejected``: ``order.unknown``, ``order.not_correctable`` (state), ``order.dept_missing``,
    ``act.reason_missing``; ``Transient('order.moved')`` when it moved meanwhile.
    """
    if not actor.strip() or not reason.strip():
        raise Rejected("act.reason_missing")
    moment = now(context)
    with context.store.begin() as transaction:
        shown = order_views.show_order(transaction, order_id, moment)
        order = orders.get(transaction, shown[0].order_id) if shown else None
        if order is None:
            raise Rejected("order.unknown", order=order_id)
        if order.state is not State.PENDING_CORRECTION:
            raise Rejected("order.not_correctable", order=order.external_id, state=order.state.value)
        unit = (dept_code or order.dept_code or "").strip()
        if not unit or len(unit) > LONGEST_DEPT or not (unit.isascii() and unit.isalnum()):
            raise Rejected("order.dept_missing", order=order.external_id)
        changes = {"dept_code": unit, "next_attempt_at": None, "error_code": None, "error_detail": None}
        moved = orders.move(
            transaction, order, Event.CORRECT, moment, changes, actor=actor, payload={"dept_code": unit}
        )
        audit.record(
            transaction, Act(context.clock(), actor, "order.correct", order.external_id, reason, moved.state.value)
        )
    return moved
