"""Pushing (上报): settle what is open, then seal and send until nothing is left that may go."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gateway.crash import reach
from gateway.domain.batch import BatchState
from gateway.stages import send, sequence, standstill, status_check, voids
from gateway.stages.at_rest import collector_at_rest
from gateway.stages.context import Context
from gateway.stages.delivery import Delivery, open_delivery
from gateway.stages.ferry_attic import tidy
from gateway.stages.seal import seal_next
from gateway.store import targets


@dataclass(frozen=True, slots=True)
class PushReport:
    """What one run did towards a target; counts of batches unless they say records.

    ``suspended_code`` names why the whole target stands still; ``breaker_open``: it is left alone for a minute.
    """

    target_id: str
    sealed: int
    records_sealed: int
    records_held: int
    sent: int
    acknowledged: int
    partially_accepted: int
    rejected: int
    awaiting: int
    uncertain: int
    retrying: int
    suspended: int
    failed: int
    suspended_code: str | None
    breaker_open: bool


def push(context: Context, target_id: str) -> PushReport:
    """One run; may be repeated, killed at any instruction, and run beside another.

    A platform that can't be reached is no error of this function: its batches wait for their time. Raises
    ``Misconfigured`` for the target's own configuration and our keys, ``Transient`` when our database is away.
    """
    with open_delivery(context, target_id) as delivery:
        with context.store.begin() as transaction:
            targets.ensure_target(transaction, target_id, delivery.target.stream)
        run = _Run(delivery)
        with collector_at_rest() as look:
            run.settle()
            while run.seal_one() | run.send_all() or standstill.go_on(delivery):
                look()
            run.ask()
            voids.send_voids(delivery)
            standstill.stand_still(delivery)
        tidy(delivery)
        return run.report()


class _Run:
    """The counts of one run while it goes on."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._sealed = self._records = self._held = self._sent = 0
        self._throttled = False
        self._last: dict[str, BatchState] = {}
        self._settled_at = delivery.now()

    def settle(self) -> None:
        self._settled_at = self._delivery.now()
        status_check.sweep(self._delivery)
        standstill.expire(self._delivery)
        standstill.go_on(self._delivery)
        status_check.requeue(self._delivery)
        self.ask()
        sequence.keep_up(self._delivery)

    def ask(self) -> None:
        self._last.update({row.batch_id: state for row, state in status_check.ask(self._delivery)})

    def seal_one(self) -> bool:
        if self._throttled:
            return False
        sealed = seal_next(self._delivery)
        if sealed is None:
            return False
        self._sealed += sealed.batch_id is not None
        self._records += sealed.records
        self._held += sealed.held
        return True

    def send_all(self) -> bool:
        """Send before sealing further: what is acknowledged now lets its children go with the next batch."""
        before = self._sent
        while not self._throttled and (sent := send.send_next(self._delivery)) is not None:
            reach("s4")
            self._sent += 1
            self._last[sent.batch_id] = sent.state
            self._throttled = sent.throttled
            self._settle_in_time()
        return self._sent > before

    def _settle_in_time(self) -> None:
        """A run may last for an hour: what is due again, or left by a dead worker, doesn't wait for its end."""
        if self._delivery.now() - self._settled_at >= self._delivery.lease:
            self.settle()

    def report(self) -> PushReport:
        delivery = self._delivery
        with delivery.context.store.read() as transaction:
            target = targets.read_target(transaction, delivery.target.target)
        ended = Counter(self._last.values())
        return PushReport(
            target_id=target.target_id,
            sealed=self._sealed,
            records_sealed=self._records,
            records_held=self._held,
            sent=self._sent,
            acknowledged=ended[BatchState.ACKNOWLEDGED],
            partially_accepted=ended[BatchState.PARTIALLY_ACCEPTED],
            rejected=ended[BatchState.REJECTED],
            awaiting=ended[BatchState.AWAITING_RECEIPT],
            uncertain=ended[BatchState.UNCERTAIN],
            retrying=ended[BatchState.RETRY_WAIT],
            suspended=ended[BatchState.SUSPENDED],
            failed=ended[BatchState.FAILED] + ended[BatchState.EXPIRED] + ended[BatchState.INTERRUPTED],
            suspended_code=target.suspended_code,
            breaker_open=not target.breaker.admits(delivery.now()),
        )
