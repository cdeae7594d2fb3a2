"""What an operator does to a record in doubt (结果不明): say what the receiver said when asked. Audited."""

from __future__ import annotations

from gateway.errors import Rejected
from gateway.stages.context import Context
from gateway.store import audit, target_calls
from gateway.store.audit import Act
from gateway.store.target_calls import Doubt


def in_doubt(context: Context, batch_id: str | None = None) -> list[Doubt]:
    """Records whose call brought no answer, the oldest first; no personal data."""
    with context.store.read() as transaction:
        return target_calls.in_doubt(transaction, batch_id)


def settle_call(context: Context, batch_id: str, item: int, actor: str, reason: str, *, arrived: bool) -> None:
    """``arrived``: the receiver has it, nothing more is sent; else the same bytes go again with the batch's next run.

    Raises ``Rejected``: ``act.reason_missing``, ``profile.not_in_doubt`` (also while its batch is being sent).
    """
    if not actor.strip() or not reason.strip():
        raise Rejected("act.reason_missing")
    now = context.clock()
    with context.store.begin() as transaction:
        if not target_calls.settle(transaction, batch_id, item, actor, now, arrived=arrived):
            raise Rejected("profile.not_in_doubt", batch=batch_id, item=item)
        outcome = "arrived" if arrived else "absent"
        audit.record(transaction, Act(now, actor, "call.settle", f"{batch_id}/{item}", reason, outcome))
