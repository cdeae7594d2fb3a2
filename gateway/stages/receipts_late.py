"""A receipt that is asked for after the fact: by reconciliation, over a restored backup."""

from __future__ import annotations

from gateway.national.reply import Failure
from gateway.stages import receipts
from gateway.stages.delivery import Delivery
from gateway.store.batches import BatchRow


def take_receipt(delivery: Delivery, row: BatchRow) -> bool:
    """Ask what became of a batch and apply its receipt; whether there was a valid one."""
    reply = delivery.client.batch_status(row.batch_id)
    if reply.meaning != "receipt":
        return False
    judged = receipts.judge(delivery, row, reply.receipt)
    with delivery.context.store.begin() as transaction:
        if isinstance(judged, Failure):
            receipts.keep_invalid(delivery, transaction, row, reply.receipt, judged.code)
            return False
        receipts.apply(delivery, transaction, row.batch_id, judged, reply.receipt)
    return True
