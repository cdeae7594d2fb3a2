"""The second person's word (双人复核) on an act that another one asked for: yes or no, to the batches frozen then."""

from __future__ import annotations

import time

from gateway.domain.batch_act import BatchAct
from gateway.errors import Rejected
from gateway.stages.batch_acts import ActReport, Order, Pause, do_all, note, person_and_reason
from gateway.stages.context import Context
from gateway.store import Transaction, approvals
from gateway.store.approvals import Approval


def approvals_waiting(context: Context) -> list[Approval]:
    """What waits for a second person, oldest first."""
    with context.store.read() as transaction:
        return approvals.waiting(transaction)


def approve(context: Context, approval_id: str, actor: str, reason: str, pause: Pause = time.sleep) -> ActReport:
    """Do what the first person asked for.

    May be repeated by the same person while it isn't done. Raises ``Rejected``: ``act.approval_unknown``,
    ``act.same_person``, ``act.approval_done``, ``act.reason_missing``.
    """
    person_and_reason(actor, reason)
    with context.store.begin() as transaction:
        found = _waiting(transaction, approval_id)
        if found.asked_by == actor:
            raise Rejected("act.same_person", actor=actor)
        if found.decided_by not in (None, actor):
            raise Rejected("act.approval_done", approval=approval_id)
        approvals.decide(transaction, approval_id, actor, context.clock())
        note(context, transaction, actor, f"batch.{found.act}.approve", approval_id, reason, found.asked_by)
    both = f"{found.reason} | {found.asked_by} + {actor}: {reason}"
    order = Order(BatchAct(found.act), actor, both, **found.details)
    outcomes = do_all(context, order, found.batch_ids, pause)
    with context.store.begin() as transaction:
        approvals.finish(transaction, approval_id, context.clock())
    return ActReport(order.act, False, outcomes)


def decline(context: Context, approval_id: str, actor: str, reason: str) -> None:
    """Drop it, nothing done; whoever asked for it may take it back themselves.

    Raises ``Rejected``: ``act.approval_unknown``, ``act.approval_done`` once somebody has said yes,
    ``act.reason_missing``.
    """
    person_and_reason(actor, reason)
    with context.store.begin() as transaction:
        found = _waiting(transaction, approval_id)
        if found.decided_by is not None:
            raise Rejected("act.approval_done", approval=approval_id)
        approvals.decide(transaction, approval_id, actor, context.clock())
        approvals.finish(transaction, approval_id, context.clock())
        note(context, transaction, actor, f"batch.{found.act}.decline", approval_id, reason, found.asked_by)


def _waiting(transaction: Transaction, approval_id: str) -> Approval:
    """The approval, locked."""
    found = approvals.find(transaction, approval_id)
    if found is None:
        raise Rejected("act.approval_unknown", approval=approval_id)
    if found.done:
        raise Rejected("act.approval_done", approval=approval_id)
    return found
