"""The status checker: what became of batches whose sender died, whose reply was lost, or whose receipt is to follow."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.crash import reach
from gateway.domain.batch import STAGES, BatchEvent, BatchState
from gateway.domain.failure import SUSPENDS_WHEN_ASKED
from gateway.errors import Transient
from gateway.national.reply import Failure, Reply
from gateway.net.answer import LONGEST_WAIT
from gateway.stages import receipts
from gateway.stages.calling import may_call, note_failure
from gateway.stages.delivery import Delivery
from gateway.stages.send import PROOF_AFTER, STALE, failure_columns, park, spent
from gateway.store import Transaction, batches
from gateway.store.batches import BatchRow

PARKED_LOOK = timedelta(hours=1)
ASKED = (BatchState.UNCERTAIN, BatchState.AWAITING_RECEIPT)
RECEIPT_WITHIN = STAGES[BatchState.AWAITING_RECEIPT].sla or timedelta(0)


def sweep(delivery: Delivery) -> int:
    """Rows 8, 9: batches whose lease lapsed, and only these (I11); how many."""
    now, swept = delivery.now(), 0
    with delivery.context.store.begin() as transaction:
        for row, begun in batches.lapsed(transaction, delivery.target.target, now):
            event = BatchEvent.LOST if begun else BatchEvent.LEASE_LAPSED_UNSENT
            used = {"attempts": row.attempts + int(begun)}
            batches.finish_attempt(transaction, row, now, "LEASE_LAPSED", None, None)
            batches.step(transaction, row, event, now, delivery.worker, changes=used)
            swept += 1
            reach("sweep.swept")
    return swept


def requeue(delivery: Delivery) -> int:
    """Rows 12, 13, 26: batches whose wait is over go back to the queue, or out of the machine's hands."""
    now = delivery.now()
    with delivery.context.store.begin() as transaction:
        waiting = batches.due(transaction, delivery.target.target, [BatchState.RETRY_WAIT], now)
        for row in waiting:
            event = spent(row, now)
            if event is not None:
                park(delivery, transaction, row, event)
            else:
                batches.step(transaction, row, BatchEvent.DUE, now, delivery.worker)
    return len(waiting)


def ask(delivery: Delivery) -> list[tuple[BatchRow, BatchState]]:
    """Ask the platform for every batch whose result is due; each with the state that it has now."""
    target = delivery.target.target
    with delivery.context.store.read() as transaction:
        if not may_call(delivery, transaction):
            return []
        rows = batches.due(transaction, target, ASKED, delivery.now())
        rows += batches.parked_unproven(transaction, target, delivery.now(), timedelta(seconds=LONGEST_WAIT))
    asked = []
    for row in rows:
        with delivery.context.store.read() as transaction:
            if not may_call(delivery, transaction):
                break
        try:
            reply = delivery.client.batch_status(row.batch_id)
            reach("status.asked")
            asked.append((row, _settle(delivery, row, reply)))
        except Transient as lost:
            if lost.code != STALE:
                raise
    return asked


def _settle(delivery: Delivery, row: BatchRow, reply: Reply) -> BatchState:
    judged = receipts.judge(delivery, row, reply.receipt) if reply.meaning == "receipt" else None
    with delivery.context.store.begin() as transaction:
        if isinstance(judged, Failure):
            receipts.keep_invalid(delivery, transaction, row, reply.receipt, judged.code)
            state = _fail(delivery, transaction, row, judged)
            note_failure(delivery, transaction, judged)
            return state
        if judged is not None:
            return receipts.apply(delivery, transaction, row.batch_id, judged, reply.receipt)
        if reply.failure is not None:
            state = _fail(delivery, transaction, row, reply.failure)
            note_failure(delivery, transaction, reply.failure)
            return state
        if row.state in ASKED:
            return _no_receipt_yet(delivery, transaction, row, reply)
        absent = _proves_absence(delivery, transaction, row, reply)
        batches.postpone(transaction, row, _next_look(delivery, transaction, row), maybe_sent=int(not absent))
        return row.state


def _no_receipt_yet(delivery: Delivery, transaction: Transaction, row: BatchRow, reply: Reply) -> BatchState:
    now, worker = delivery.now(), delivery.worker
    if row.state is BatchState.UNCERTAIN and spent(row, now) is BatchEvent.EXHAUSTED:
        return park(delivery, transaction, row, BatchEvent.EXHAUSTED)
    if row.state is BatchState.UNCERTAIN and reply.meaning == "processing":
        return batches.step(transaction, row, BatchEvent.TAKEN, now, worker, next_attempt_at=delivery.later(1))
    if row.state is BatchState.UNCERTAIN:
        absent = _proves_absence(delivery, transaction, row, reply)
        again = now if row.attempts <= 1 else delivery.later(row.attempts - 1)
        return batches.step(
            transaction,
            row,
            BatchEvent.UNKNOWN_THERE,
            now,
            worker,
            next_attempt_at=again,
            changes={"maybe_sent": int(row.maybe_sent and not absent)},
        )
    if now - row.updated_at >= RECEIPT_WITHIN or reply.absence == "proven":
        return batches.step(transaction, row, BatchEvent.RECEIPT_OVERDUE, now, worker)
    batches.postpone(transaction, row, min(delivery.later(1), row.updated_at + RECEIPT_WITHIN))
    return row.state


def _fail(delivery: Delivery, transaction: Transaction, row: BatchRow, failure: Failure) -> BatchState:
    """A query that failed uses no attempt; only a bad receipt, or a record in doubt, moves the batch."""
    if failure.kind in SUSPENDS_WHEN_ASKED and row.state in ASKED:
        return batches.step(
            transaction,
            row,
            BatchEvent.SUSPENDED,
            delivery.now(),
            delivery.worker,
            detail=failure.code,
            changes=failure_columns(failure),
        )
    if row.state is BatchState.UNCERTAIN and spent(row, delivery.now()) is BatchEvent.EXHAUSTED:
        return park(delivery, transaction, row, BatchEvent.EXHAUSTED)
    batches.postpone(transaction, row, delivery.later(row.attempts, failure.retry_after))
    return row.state


def _proves_absence(delivery: Delivery, transaction: Transaction, row: BatchRow, reply: Reply) -> bool:
    """Whether "unknown id" is late enough after the last attempt's deadline to prove that nothing arrived."""
    if reply.meaning != "unknown" or reply.absence != "after_wait":
        return reply.absence == "proven"
    return delivery.now() >= _proof_from(delivery, transaction, row)


def _proof_from(delivery: Delivery, transaction: Transaction, row: BatchRow) -> datetime:
    """From when on "unknown id" is a proof: nothing that an attempt sent can still be on its way."""
    began = batches.last_send_started_at(transaction, row.batch_id)
    return delivery.now() if began is None else began + delivery.deadline + PROOF_AFTER


def _next_look(delivery: Delivery, transaction: Transaction, row: BatchRow) -> datetime:
    """A parked batch is looked at every hour; once as soon as absence can be proven, since a person waits for that."""
    now, proof = delivery.now(), _proof_from(delivery, transaction, row)
    return min(proof, now + PARKED_LOOK) if proof > now else now + PARKED_LOOK
