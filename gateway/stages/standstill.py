"""Standing still (挂起与恢复): while nothing may go to a target its batches are suspended, with the cause named; when a
window ends or the breaker closes they go on by themselves (delivery.md section 1, rows 19 and 20)."""

from __future__ import annotations

from typing import Final

from gateway.domain.batch import STAGES, BatchEvent, BatchState, resume_event
from gateway.domain.breaker import PROBES
from gateway.domain.moments import shanghai_text
from gateway.errors import Rejected
from gateway.messages import keep
from gateway.stages.delivery import Delivery
from gateway.stages.refused import expire_batch
from gateway.stages.status_check import RECEIPT_WITHIN
from gateway.store import Transaction, batches, targets, utc_naive
from gateway.store.batches import BatchRow
from gateway.store.targets import TargetRow

MAINTENANCE, BREAKER = "target.maintenance", "target.breaker_open"
BY_THEMSELVES: Final = (MAINTENANCE, BREAKER)
STOPPABLE: Final = (BatchState.QUEUED, BatchState.RETRY_WAIT, BatchState.UNCERTAIN)
PATIENCE: Final = STAGES[BatchState.QUEUED].sla


def stand_still(delivery: Delivery) -> int:
    """Suspend what can't go, so that nobody takes it for late; how many. No attempt is used up (I7)."""
    now, target_id = delivery.now(), delivery.target.target
    with delivery.context.store.begin() as transaction:
        target = targets.read_target(transaction, target_id)
        if not target.admits(now):
            _past_their_receipts(delivery, transaction)
        if target.suspended_code is not None:
            stopped = batches.in_states(transaction, target_id, STOPPABLE)
            return _suspend(delivery, transaction, stopped, target.suspended_code, target.suspended_detail)
        if target.maintenance is not None and target.in_maintenance(now):
            told = Rejected(MAINTENANCE, target=target_id, until=shanghai_text(target.maintenance.end))
            return _suspend(
                delivery, transaction, batches.in_states(transaction, target_id, STOPPABLE), told.code, keep(told)
            )
        if PATIENCE is not None and target.failing_since is not None and now - target.failing_since > PATIENCE:
            told = Rejected(BREAKER, target=target_id, since=shanghai_text(target.failing_since))
            late = batches.in_states(transaction, target_id, [BatchState.QUEUED], now - PATIENCE)
            return _suspend(delivery, transaction, late, told.code, keep(told))
    return 0


def _past_their_receipts(delivery: Delivery, transaction: Transaction) -> None:
    """Row 17 where nobody can be asked: a receipt that is overdue stays so, and its batch waits like the others."""
    now, target_id = delivery.now(), delivery.target.target
    for row in batches.in_states(transaction, target_id, [BatchState.AWAITING_RECEIPT], now - RECEIPT_WITHIN):
        batches.step(transaction, row, BatchEvent.RECEIPT_OVERDUE, now, delivery.worker)


def go_on(delivery: Delivery) -> int:
    """Let go what stood still for a window or the breaker, now that it is over; how many.

    While the breaker is half open only its probes go, and only where nothing else waits that could be one.
    """
    now, target_id = delivery.now(), delivery.target.target
    with delivery.context.store.begin() as transaction:
        target = targets.read_target(transaction, target_id)
        if not target.admits(now):
            return 0
        free = batches.suspended(transaction, target_id, causes=_over(target))
        if target.failing_since is not None and not batches.in_states(transaction, target_id, STOPPABLE):
            free += batches.suspended(transaction, target_id, causes=[BREAKER])[:PROBES]
        for row in free:
            fresh = {"window_started_at": utc_naive(now)}
            event = resume_event(row.state, row.maybe_sent)
            batches.step(transaction, row, event, now, delivery.worker, changes=fresh)
    return len(free)


def expire(delivery: Delivery) -> int:
    """Row 26 for parked batches: the envelope has expired and the platform surely hasn't got it; how many."""
    with delivery.context.store.begin() as transaction:
        late = batches.expired(transaction, delivery.target.target, delivery.now())
        for row in late:
            batches.step(transaction, row, BatchEvent.EXPIRED, delivery.now(), delivery.worker)
            expire_batch(delivery, transaction, row)
    return len(late)


def _over(target: TargetRow) -> tuple[str, ...]:
    return BY_THEMSELVES if target.failing_since is None else (MAINTENANCE,)


def _suspend(delivery: Delivery, transaction: Transaction, rows: list[BatchRow], code: str, detail: str | None) -> int:
    why = {"failure_class": None, "failure_code": code, "failure_detail": detail}
    for row in rows:
        batches.step(transaction, row, BatchEvent.SUSPENDED, delivery.now(), delivery.worker, detail=code, changes=why)
    return len(rows)
