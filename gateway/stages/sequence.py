"""The end of the sequence (序列), compared with the platform's: after a restore from a backup no number is used twice.

A database from yesterday believes that the numbers of today are free. The platform knows better: what it has seen is
passed over, and the numbers whose batches are lost to us are declared void. The next batch names the first such number
as its neighbour, so that its chain holds although we no longer know what came before.
"""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from typing import Final

from gateway.errors import GatewayError
from gateway.national.client import StreamState
from gateway.stages.calling import may_call
from gateway.stages.delivery import Delivery
from gateway.store import Transaction, audit, outbox, streams, voids
from gateway.store.audit import Act

COMPARED_EVERY: Final = timedelta(minutes=5)  # so that a restored database, whose clock mark is old, compares at once


def keep_up(delivery: Delivery, *, at_once: bool = False, beyond: bool = False) -> int:
    """Compare, unless that was done a moment ago; how many numbers were passed over. ``at_once``: compare anyway;
    ``beyond``: our own last numbers clash with the platform's, so go on behind both ends.

    A platform that can't be asked is no obstacle: it can't take a batch either.
    """
    if not delivery.target.reconciles:  # nobody to ask: files come and go
        return 0
    target, now = delivery.target, delivery.now()
    with delivery.context.store.read() as transaction:
        compared = streams.compared_at(transaction, target.target, target.stream)
        fresh = compared is not None and now - compared < COMPARED_EVERY
        if not may_call(delivery, transaction) or (fresh and not at_once):
            return 0
    try:
        theirs = delivery.client.stream_state(target.stream)
    except GatewayError:
        return 0
    with delivery.context.store.begin() as transaction:
        end = outbox.lock_stream(transaction, target.target, target.stream)  # our end as of after their answer
        passed = 0
        if beyond or theirs.highest > end.last_seq:
            passed = _pass_over(delivery, transaction, end.last_seq, theirs)
        streams.compared(transaction, target.target, target.stream, now)
    return passed


def _pass_over(delivery: Delivery, transaction: Transaction, ours: int, theirs: StreamState) -> int:
    now, target = delivery.now(), delivery.target
    free = max(theirs.highest, ours) + 1
    lost = [number for number in theirs.missing if number > ours]
    for number in [*lost, free]:
        digest = secrets.token_hex(32)  # of no header: the number stands for no batch that we know
        voids.owe(transaction, uuid.uuid4().hex, target.target, target.stream, number, digest, voids.LOST, now)
    streams.move_end(transaction, target.target, target.stream, free, digest)
    outcome = f"{ours} -> {free}"
    audit.record(transaction, Act(now, delivery.worker, "target.sequence_moved", target.target, voids.LOST, outcome))
    return free - ours
