"""Tidying the ferry's folders (摆渡目录): receipts of batches that the database holds as settled leave the way."""

from __future__ import annotations

from gateway.domain.batch import STAGES, BatchState
from gateway.profiles.ferry import FerryClient
from gateway.stages.delivery import Delivery
from gateway.store import batches

RECEIPTED = STAGES[BatchState.ACKNOWLEDGED].rank


def tidy(delivery: Delivery) -> int:
    """Put away what was answered and applied; how many batches. Only what is committed leaves."""
    if not isinstance(delivery.client, FerryClient):
        return 0
    done = []
    with delivery.context.store.read() as transaction:
        for batch_id in delivery.client.answered():
            state = batches.state_of(transaction, batch_id)
            if state is not None and STAGES[state].rank >= RECEIPTED:
                done.append(batch_id)
    delivery.client.put_away(done)
    return len(done)
