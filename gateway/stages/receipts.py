"""Judging a receipt (回执) and applying what it says, whatever the batch has been through meanwhile (I5)."""

from __future__ import annotations

from gateway.crash import reach
from gateway.crypto.digest import sm3_hex
from gateway.crypto.envelope import ExpectedReceipt, Receipt, verify_receipt
from gateway.domain.batch import BatchEvent, BatchState, possible, receipt_event
from gateway.domain.failure import FailureClass
from gateway.errors import Misconfigured
from gateway.national.reply import Failure
from gateway.profiles.answers import read_answers
from gateway.stages.delivery import Delivery
from gateway.stages.refused import set_aside
from gateway.store import Transaction, batches, deliveries, outbox, targets
from gateway.store.batches import BatchRow

STALE = "version.stale"
SETTLED_CODES = frozenset({"duplicate", STALE, outbox.WAITS_FOR_PARENT})

GIVEN_UP = (BatchState.REJECTED, BatchState.EXPIRED, BatchState.CANCELLED)


def judge(delivery: Delivery, row: BatchRow, raw: bytes) -> Receipt | Failure:
    """The verified receipt in ``raw``, or why it is none; our own account where the receiver gives none."""
    expected = ExpectedReceipt(row.batch_id, row.header_digest, row.merkle_root, row.record_count, row.suite)
    if delivery.profile is not None:
        return read_answers(raw, expected)
    try:
        return verify_receipt(raw, expected, delivery.context.keys)
    except Misconfigured as invalid:
        return Failure(FailureClass.BAD_RECEIPT, invalid.code, str(invalid), 200)


def keep_invalid(delivery: Delivery, transaction: Transaction, row: BatchRow, raw: bytes, reason: str) -> None:
    """The raw bytes of a receipt that is none are evidence."""
    deliveries.keep_receipt(transaction, row.batch_id, raw, sm3_hex(raw), delivery.now(), receipt_id="", reason=reason)


def apply(delivery: Delivery, transaction: Transaction, batch_id: str, receipt: Receipt, raw: bytes) -> BatchState:
    """Bring the batch to the receipt's result, its records to their item codes; the state after it.

    A repeated receipt only counts; one that contradicts the first makes the batch DISPUTED.
    """
    row = batches.lock_batch(transaction, batch_id)
    if row is None:
        raise Misconfigured("batch.unknown", batch=batch_id)
    now = delivery.now()
    event = receipt_event(receipt.accepted, receipt.duplicates, receipt.rejected)
    first = deliveries.counts(transaction, batch_id)
    deliveries.keep_receipt(transaction, batch_id, raw, sm3_hex(raw), now, receipt_id=receipt.receipt_id)
    reach("receipt.stored")
    if first.accepted is not None and first != (receipt.accepted, receipt.duplicates, receipt.rejected):
        event = BatchEvent.RECEIPT_CONTRADICTS
    if not possible(row.state, event):
        targets.note_success(transaction, delivery.target.target, now)
        return row.state
    to = batches.step(
        transaction,
        row,
        event,
        now,
        delivery.worker,
        detail=receipt.receipt_id,
        changes={
            "accepted": receipt.accepted,
            "duplicates": receipt.duplicates,
            "rejected": receipt.rejected,
            "failure_class": None,
            "failure_code": None,
            "failure_detail": None,
        },
    )
    if row.state in GIVEN_UP:  # its records were marked as if it hadn't arrived
        deliveries.mark_all(transaction, batch_id, None)
    if event is not BatchEvent.RECEIPT_CONTRADICTS:
        _apply_items(delivery, transaction, batch_id, receipt)
    targets.note_success(transaction, delivery.target.target, now)
    return to


def _apply_items(delivery: Delivery, transaction: Transaction, batch_id: str, receipt: Receipt) -> None:
    deliveries.mark_items(transaction, batch_id, {item.index: item.code for item in receipt.items})
    codes = {item.code for item in receipt.items}
    if outbox.WAITS_FOR_PARENT in codes:
        orphans = deliveries.coded_items(transaction, batch_id, [outbox.WAITS_FOR_PARENT])
        positions = [item.position for item in orphans]
        outbox.hold_children(transaction, delivery.target.target, positions, delivery.now())
    refused = sorted(codes - SETTLED_CODES)
    if refused:
        words = {item.index: (item.code, item.message) for item in receipt.items}
        items = deliveries.coded_items(transaction, batch_id, refused)
        set_aside(delivery, transaction, batch_id, [(item, *words[item.item]) for item in items])
