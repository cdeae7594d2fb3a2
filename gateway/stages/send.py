"""Sending: claim a queued batch, commit that the first byte is about to leave, send the sealed bytes, settle."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.crash import reach
from gateway.crypto.digest import sm3_hex
from gateway.domain import backoff
from gateway.domain.batch import BatchEvent, BatchState
from gateway.domain.failure import CONSEQUENCES, FailureClass
from gateway.errors import Transient
from gateway.national.reply import Failure, Reply
from gateway.stages import receipts
from gateway.stages.calling import may_call, note_failure
from gateway.stages.delivery import Delivery
from gateway.stages.refused import expire_batch, refuse_batch
from gateway.store import Transaction, batches, bodies, targets
from gateway.store.batches import BatchRow

STALE = "batch.stale"
DAMAGED = {"failure_class": None, "failure_code": "batch.damaged", "failure_detail": None}
PROOF_AFTER = timedelta(minutes=10)  # "unknown there" proves absence only so long after an attempt's deadline


class Sent(NamedTuple):
    """One turn: the batch's state now; ``throttled``: the platform asked to be left alone for a while."""

    batch_id: str
    state: BatchState
    throttled: bool = False


def send_next(delivery: Delivery) -> Sent | None:
    """Send the oldest batch that is due; none when there is none, the target is suspended or its breaker open."""
    while True:
        try:
            reach("s1")
            claimed = _claim(delivery)
            if claimed is None:
                return None
            row, body = claimed
            if row.state is not BatchState.SENDING:
                return Sent(row.batch_id, row.state)
            reach("s2")
            with delivery.context.store.begin() as transaction:
                batches.start_sending(transaction, row, delivery.now())
            reach("send.leaving")
            with delivery.heart.beats_for(row):
                reply = delivery.client.send_batch(
                    row.batch_id, body, row.body_digest, expires=row.expires_at, token=row.lease_token
                )
            reach("s3")
            throttled = reply.failure is not None and reply.failure.kind is FailureClass.THROTTLED
            return Sent(row.batch_id, _settle(delivery, row, reply), throttled)
        except Transient as lost:
            if lost.code != STALE:
                raise


def _claim(delivery: Delivery) -> tuple[BatchRow, bytes] | None:
    now = delivery.now()
    with delivery.context.store.begin() as transaction:
        if not may_call(delivery, transaction):
            return None
        due = batches.due(transaction, delivery.target.target, [BatchState.QUEUED], now, limit=1)
        if not due:
            return None
        row = due[0]
        body = bodies.read(transaction, row.batch_id)
        event = _obstacle(row, body, now)
        if event is not None:
            to = park(delivery, transaction, row, event)
            return row._replace(state=to), b""
        return batches.claim(transaction, row, now, delivery.lease, delivery.worker), body


def _obstacle(row: BatchRow, body: bytes, now: datetime) -> BatchEvent | None:
    if sm3_hex(body) != row.body_digest:
        return BatchEvent.DAMAGED
    return spent(row, now)


def spent(row: BatchRow, now: datetime) -> BatchEvent | None:
    """What ends the trying: the envelope expired, or attempts or window used up (rows 13, 26)."""
    if row.expires_at <= now:
        return BatchEvent.EXHAUSTED if row.maybe_sent else BatchEvent.EXPIRED
    if backoff.exhausted(row.attempts, row.window_started_at, now):
        return BatchEvent.EXHAUSTED
    return None


def park(delivery: Delivery, transaction: Transaction, row: BatchRow, event: BatchEvent) -> BatchState:
    """Take the batch out of the machine's hands; the records of an expired one are set aside for a person."""
    why = DAMAGED if event is BatchEvent.DAMAGED else {}
    to = batches.step(transaction, row, event, delivery.now(), delivery.worker, changes=why)
    if to is BatchState.EXPIRED:
        expire_batch(delivery, transaction, row)
    return to


def _settle(delivery: Delivery, row: BatchRow, reply: Reply) -> BatchState:
    judged = receipts.judge(delivery, row, reply.receipt) if reply.meaning == "receipt" else None
    failure = judged if isinstance(judged, Failure) else reply.failure
    with delivery.context.store.begin() as transaction:
        now = delivery.now()
        outcome = failure.kind if failure else reply.meaning
        code = failure.code if failure else None
        batches.finish_attempt(transaction, row, now, outcome, reply.http_status, code)
        if judged is not None and not isinstance(judged, Failure):
            return receipts.apply(delivery, transaction, row.batch_id, judged, reply.receipt)
        if failure is None:
            taken = batches.step(
                transaction,
                row,
                BatchEvent.TAKEN,
                now,
                delivery.worker,
                next_attempt_at=now,
                changes={"attempts": row.attempts + 1},
            )
            targets.note_success(transaction, delivery.target.target, now)
            return taken
        if judged is not None:
            receipts.keep_invalid(delivery, transaction, row, reply.receipt, failure.code)
        return _fail(delivery, transaction, row, failure)


def _fail(delivery: Delivery, transaction: Transaction, row: BatchRow, failure: Failure) -> BatchState:
    now = delivery.now()
    follows = CONSEQUENCES[failure.kind]
    attempts = row.attempts + follows.attempt
    event, look_again = follows.event, None
    if event is BatchEvent.REFUSED and row.maybe_sent:
        event, look_again = BatchEvent.LOST, now + PROOF_AFTER
    elif event is BatchEvent.RETRIABLE:
        look_again = delivery.later(attempts - 1, failure.retry_after)
    to = batches.step(
        transaction,
        row,
        event,
        now,
        delivery.worker,
        detail=failure.code,
        next_attempt_at=look_again,
        changes={
            "attempts": attempts,
            "maybe_sent": int(row.maybe_sent or failure.partly or not follows.not_applied),
            **failure_columns(failure),
        },
    )
    if to is BatchState.REJECTED:
        refuse_batch(delivery, transaction, row, failure.code, failure.detail)
    note_failure(delivery, transaction, failure)
    return to


def failure_columns(failure: Failure) -> dict[str, str]:
    """How a batch remembers its last failure."""
    return {"failure_class": failure.kind, "failure_code": failure.code, "failure_detail": failure.detail}
