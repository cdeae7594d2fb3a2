"""Whether the target may be called, and what a failed call means to it (delivery.md section 5)."""

from __future__ import annotations

from gateway.domain.failure import CONSEQUENCES
from gateway.national.reply import Failure
from gateway.stages.delivery import Delivery
from gateway.store import Transaction, targets


def may_call(delivery: Delivery, transaction: Transaction) -> bool:
    """Whether the target is neither suspended, nor in maintenance, nor cut off by its breaker."""
    return targets.read_target(transaction, delivery.target.target).admits(delivery.now())


def note_failure(delivery: Delivery, transaction: Transaction, failure: Failure) -> None:
    """Tell the target's row: its breaker, and its suspension where nothing else may go there either.

    Called last: every transaction takes the batch's row before the target's, so that two never wait for each other.
    """
    target, now, follows = delivery.target.target, delivery.now(), CONSEQUENCES[failure.kind]
    targets.note_failure(transaction, target, now, failure.code, counts=follows.counts_for_breaker)
    if follows.suspends_target:
        targets.suspend(transaction, target, failure.code, failure.detail, now)
