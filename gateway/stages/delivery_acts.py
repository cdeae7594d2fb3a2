"""What an operator does to deliveries: let a parked batch go on, let a suspended target go on. Each act is audited."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.domain.batch import RETRIABLE, BatchEvent, BatchState, resume_event
from gateway.errors import Rejected
from gateway.stages.context import Context
from gateway.stages.delivery import open_delivery
from gateway.store import Transaction, audit, batch_views, batches, targets, utc_naive
from gateway.store.audit import Act
from gateway.store.batch_views import BatchDetail, BatchLine
from gateway.store.batches import BatchRow
from gateway.store.targets import TargetRow


def list_batches(
    context: Context,
    target_id: str | None = None,
    states: Iterable[BatchState] | None = None,
    business_date: str | None = None,
    limit: int = 100,
) -> list[BatchLine]:
    """Batches, newest first."""
    with context.store.read() as transaction:
        return batch_views.list_batches(transaction, context.clock(), target_id, states, business_date, limit)


def show_batch(context: Context, batch_id: str) -> BatchDetail:
    """One batch with its history; ``Rejected('batch.unknown')``."""
    with context.store.read() as transaction:
        found = batch_views.show_batch(transaction, batch_id, context.clock())
    if found is None:
        raise Rejected("batch.unknown", batch=batch_id)
    return found


def show_target(context: Context, target_id: str) -> TargetRow:
    """Suspension with its cause, breaker, watermark."""
    with context.store.read() as transaction:
        return targets.read_target(transaction, target_id)


def retry_batch(context: Context, batch_id: str, actor: str, reason: str) -> BatchState:
    """Rows 12, 20, 25: the same bytes go again under the same id; asked first where they may have arrived.

    Raises ``Rejected``: ``batch.unknown``, ``batch.not_retriable`` (state), ``act.reason_missing``; ``Transient``
    ``batch.stale`` when the batch moved meanwhile.
    """
    _require(actor, reason)
    with context.store.begin() as transaction:
        row = batches.lock_batch(transaction, batch_id)
        if row is None:
            raise Rejected("batch.unknown", batch=batch_id)
        if row.state not in RETRIABLE:
            raise Rejected("batch.not_retriable", batch=batch_id, state=str(row.state))
        to = _let_go(context, transaction, row, actor, reason)
        _note(context, transaction, actor, "batch.retry", batch_id, reason, str(to))
    return to


def resume_target(context: Context, target_id: str, actor: str, reason: str) -> int:
    """Row 20: the cause is cleared; every suspended batch of the target goes on. How many did.

    Raises ``Rejected``: ``target.not_suspended``, ``act.reason_missing``.
    """
    _require(actor, reason)
    with context.store.begin() as transaction:
        batches.restart_windows(transaction, target_id, context.clock())
        parked = batches.suspended(transaction, target_id)
        for row in parked:
            _let_go(context, transaction, row, actor, reason)
        if not targets.resume(transaction, target_id):
            raise Rejected("target.not_suspended", target=target_id)
        _note(context, transaction, actor, "target.resume", target_id, reason, f"batches={len(parked)}")
    return len(parked)


def find_batch(context: Context, batch_id: str) -> BatchDetail:
    """One batch with all that happened to it, by its id or the first characters of it.

    Raises ``Rejected``: ``batch.unknown``, ``batch.ambiguous``.
    """
    with context.store.read() as transaction:
        found = batch_views.ids_like(transaction, batch_id)
        if len(found) > 1:
            raise Rejected("batch.ambiguous", batch=batch_id)
        detail = batch_views.show_batch(transaction, found[0], context.clock()) if found else None
    if detail is None:
        raise Rejected("batch.unknown", batch=batch_id)
    return detail


def ping_target(context: Context, target_id: str) -> None:
    """Call the platform with our credentials; raises what the call met."""
    with open_delivery(context, target_id) as delivery:
        delivery.client.ping()


def _let_go(context: Context, transaction: Transaction, row: BatchRow, actor: str, reason: str) -> BatchState:
    now = context.clock()
    fresh_window: dict[str, Any] = {"window_started_at": utc_naive(now)}
    if row.state is BatchState.FAILED:
        fresh_window["attempts"] = 0
    event: BatchEvent = resume_event(row.state, row.maybe_sent)
    return batches.step(transaction, row, event, now, actor, detail=reason, changes=fresh_window)


def _require(actor: str, reason: str) -> None:
    if not actor.strip() or not reason.strip():
        raise Rejected("act.reason_missing")


def _note(
    context: Context, transaction: Transaction, actor: str, act: str, object_id: str, reason: str, outcome: str
) -> None:
    audit.record(transaction, Act(context.clock(), actor, act, object_id, reason, outcome))
