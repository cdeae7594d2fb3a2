"""After a restored backup (备份恢复后): find what the platform holds and our books lack, and go on without sending
anything twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from gateway.crash import reach
from gateway.domain.moments import shanghai
from gateway.errors import Rejected
from gateway.stages.context import Context
from gateway.stages.delivery import Delivery, open_delivery
from gateway.stages.receipts_late import take_receipt
from gateway.stages.reconcile import DayResult, reconcile_day
from gateway.stages.sequence import keep_up
from gateway.stages.voids import owe_void, send_voids
from gateway.store import audit, sequences, targets
from gateway.store.audit import Act
from gateway.store.sequences import REFUSED

MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Sequence:
    """One stream, ours against theirs. ``unknown_here``: how many numbers behind our last one the platform holds;
    ``unknown_there``: batches with a receipt of ours whose numbers it lacks; ``clashing``: batches refused because
    their number was taken; ``unproven``: refused likewise, but an earlier attempt may have arrived, and until the
    platform has been asked again none of them is given up."""

    stream: str
    our_last: int
    their_highest: int
    unknown_here: int
    unknown_there: tuple[str, ...]
    clashing: tuple[str, ...]
    unproven: tuple[str, ...]

    @property
    def behind(self) -> bool:
        """Our books are the older ones."""
        return self.their_highest > self.our_last or bool(self.clashing)


@dataclass(frozen=True, slots=True)
class RecoverReport:
    """What was found, and with ``done`` repaired. ``receipts``: batches of ours that turned out to have one;
    ``passed``: numbers passed over and declared void; ``days``: every day since our books end, compared."""

    target_id: str
    done: bool
    sequence: Sequence
    asked: int
    receipts: int
    passed: int
    days: tuple[DayResult, ...]


def recover(
    context: Context, target_id: str, actor: str, reason: str, *, since: str | None = None, dry_run: bool = True
) -> RecoverReport:
    """Look at sequence, receipts and days; without ``dry_run`` take the receipts over and let the sequence go on.

    ``since``: first business date to compare, by default the one of the last batch in our books. What the platform
    lists and we lack stays a difference until it is pulled again (its receipt then says ``duplicate``: nothing takes
    effect twice) and accepted by a person.
    Raises ``Rejected``: ``act.reason_missing``; ``Misconfigured``, ``Transient`` when the platform can't be asked.
    """
    if not dry_run and not (actor.strip() and reason.strip()):
        raise Rejected("act.reason_missing")
    with open_delivery(context, target_id) as delivery:
        found = look_at_sequence(delivery)
        asked, taken = _receipts(delivery, dry_run=dry_run)
        passed = _go_on(delivery, found, actor, reason) if found.behind and not dry_run else 0
        days = () if dry_run else tuple(reconcile_day(delivery, day) for day in _days(delivery, since))
    return RecoverReport(target_id, not dry_run, found, asked, taken, passed, days)


def look_at_sequence(delivery: Delivery) -> Sequence:
    """Ask the platform where the sequence stands. A batch is sealed and stored before it is sent, so our end is read
    after the platform's."""
    target, store = delivery.target, delivery.context.store
    theirs = delivery.client.stream_state(target.stream)
    with store.read() as transaction:
        ours = sequences.last_seq(transaction, target.target, target.stream)
        lost = sequences.receipted_at(transaction, target.target, target.stream, theirs.missing)
        clashing = sequences.clashing(transaction, target.target)
        unproven = sequences.clashing(transaction, target.target, maybe_sent=True)
    holes = sum(seq > ours for seq in theirs.missing)
    return Sequence(
        target.stream,
        ours,
        theirs.highest,
        max(0, theirs.highest - ours - holes),
        tuple(row.batch_id for row in lost),
        tuple(row.batch_id for row in clashing),
        tuple(row.batch_id for row in unproven),
    )


def _go_on(delivery: Delivery, found: Sequence, actor: str, reason: str) -> int:
    """Give up the numbers that were taken anew, and let the sequence go on behind the platform's end."""
    target = delivery.target.target
    with delivery.context.store.begin() as transaction:
        now = delivery.now()
        clashing = sequences.clashing(transaction, target)
        for row in clashing:
            sequences.cancel(transaction, row, now, actor, REFUSED)
            owe_void(delivery, transaction, row, REFUSED)  # refused for its neighbour's sake, its own number is free
        if targets.read_target(transaction, target).suspended_code == REFUSED:
            targets.resume(transaction, target)
        outcome = f"ours={found.our_last} theirs={found.their_highest} cancelled={len(clashing)}"
        audit.record(transaction, Act(now, actor, "reconcile.recover", target, reason, outcome))
        reach("recover.cancelled")
    passed = keep_up(delivery, at_once=True, beyond=bool(found.clashing))
    reach("recover.passed")
    send_voids(delivery)
    return passed


def _receipts(delivery: Delivery, *, dry_run: bool) -> tuple[int, int]:
    """Ask for every batch that our books know without a receipt; how many were asked for, and had one."""
    asked = taken = after = 0
    while True:
        with delivery.context.store.read() as transaction:
            page = sequences.without_receipt(transaction, delivery.target.target, after)
        if not page:
            return asked, taken
        for row in page:
            asked += 1
            if dry_run:
                taken += delivery.client.batch_status(row.batch_id).meaning == "receipt"
            else:
                taken += take_receipt(delivery, row)
        after = page[-1].seq


def _days(delivery: Delivery, since: str | None) -> list[str]:
    today = shanghai(delivery.now()).date()
    with delivery.context.store.read() as transaction:
        known = sequences.last_day(transaction, delivery.target.target)
    first = date.fromisoformat(since or known or today.isoformat())
    number = min((today - first).days + 1, MOST_DAYS)
    return [(today - timedelta(days=back)).isoformat() for back in reversed(range(number))]
