"""Void notices (作废通知): our signed word for each number of the sequence that no batch will fill, until answered.

Owed in the transaction that ends the batch; signed once, so that every repeat is the same bytes. A kill anywhere
repeats a call that means the same the second time (platform interface, section 4).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from gateway.crypto.envelope import VoidRequest, sign_void
from gateway.domain.batch import BatchEvent, possible
from gateway.domain.failure import FailureClass
from gateway.errors import GatewayError
from gateway.national.reply import Failure, Reply
from gateway.stages.calling import may_call, note_failure
from gateway.stages.delivery import Delivery
from gateway.store import Transaction, batches, targets, voids
from gateway.store.batches import BatchRow
from gateway.store.voids import VoidNotice

LOOK_AGAIN: Final = timedelta(days=1)  # after a refusal that a person must settle with the platform
ACCEPTED_THERE, NUMBER_TAKEN, UNCLEAR = "batch.accepted", "batch.sequence", "national.void_unclear"


class _Word(msgspec.Struct):
    status: str


def owe_void(delivery: Delivery, transaction: Transaction, row: BatchRow, reason: str) -> None:
    """The batch won't come: the platform is to be told, by a notice that goes out with one of the next runs."""
    if delivery.numbered:
        voids.owe(
            transaction,
            row.batch_id,
            row.target_id,
            row.stream,
            row.seq,
            row.header_digest,
            reason[:64],
            delivery.now(),
        )


def send_voids(delivery: Delivery) -> int:
    """Send what is owed and due; how many numbers the platform has closed now."""
    if not delivery.numbered:
        return 0
    with delivery.context.store.read() as transaction:
        owed = voids.due(transaction, delivery.target.target, delivery.now())
    closed = 0
    for notice in owed:
        with delivery.context.store.read() as transaction:
            if not may_call(delivery, transaction):
                break
        closed += _settle(delivery, notice, delivery.client.void(_signed(delivery, notice)))
    return closed


def _signed(delivery: Delivery, notice: VoidNotice) -> bytes:
    if notice.notice is not None:
        return notice.notice
    request = VoidRequest(
        sender=delivery.context.settings.sender,
        stream=notice.stream,
        seq=notice.seq,
        batch_id=notice.batch_id,
        header_digest=notice.header_digest,
        reason=notice.reason,
        created=delivery.now().replace(microsecond=0),
    )
    signed = sign_void(request, delivery.sender_keys.signer)
    with delivery.context.store.begin() as transaction:
        return voids.keep_signed(transaction, notice.batch_id, signed)


def _settle(delivery: Delivery, notice: VoidNotice, reply: Reply) -> bool:
    """Note the answer; whether the hole is closed."""
    failure = reply.failure
    if failure is None and not _says_void(reply):
        failure = Failure(FailureClass.UNKNOWN, UNCLEAR, "", reply.http_status)
    taken = failure is not None and failure.code == NUMBER_TAKEN and not _missing(delivery, notice)
    now, store = delivery.now(), delivery.context.store
    with store.begin() as transaction:
        if failure is None:
            targets.note_success(transaction, notice.target_id, now)
            return voids.answered(transaction, notice.batch_id, voids.VOID, now)
        if failure.code == ACCEPTED_THERE:
            _dispute(delivery, transaction, notice)
            voids.answered(transaction, notice.batch_id, voids.ACCEPTED, now, failure.code)
        elif taken:
            voids.answered(transaction, notice.batch_id, voids.TAKEN, now, failure.code)
        elif failure.kind in (FailureClass.CONFLICT, FailureClass.PERMANENT):
            voids.put_off(transaction, notice.batch_id, failure.code, now + LOOK_AGAIN)
        else:
            again = delivery.later(notice.attempts, failure.retry_after)
            voids.put_off(transaction, notice.batch_id, failure.code, again)
            note_failure(delivery, transaction, failure)
    return False


def _says_void(reply: Reply) -> bool:
    try:
        return msgspec.json.decode(reply.receipt, type=_Word).status == "void"
    except msgspec.MsgspecError:
        return False


def _missing(delivery: Delivery, notice: VoidNotice) -> bool:
    """Whether the number is a hole still; taken for one when the platform can't say."""
    try:
        there = delivery.client.stream_state(notice.stream)
    except GatewayError:
        return True
    return notice.seq > there.highest or notice.seq in there.missing


def _dispute(delivery: Delivery, transaction: Transaction, notice: VoidNotice) -> None:
    """Row 29: the platform has accepted what we called void."""
    row = batches.lock_batch(transaction, notice.batch_id)
    if row is not None and possible(row.state, BatchEvent.LISTED_THERE):
        batches.step(transaction, row, BatchEvent.LISTED_THERE, delivery.now(), delivery.worker, detail=ACCEPTED_THERE)
