"""After a restored backup (备份恢复后): find what the platform holds and our books lack, and go on without sending
anything twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from gateway.domain.moments import shanghai
from gateway.errors import Rejected
from gateway.stages.bridge import Sequence, cross, look_at_sequence
from gateway.stages.context import Context
from gateway.stages.delivery import Delivery, open_delivery
from gateway.stages.receipts_late import take_receipt
from gateway.stages.reconcile import DayResult, reconcile_day
from gateway.store import sequences

MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class RecoverReport:
    """What was found, and with ``done`` repaired. ``receipts``: batches of ours that turned out to have one;
    ``bridge``: the number that was voided; ``days``: every day since our books end, compared."""

    target_id: str
    done: bool
    sequence: Sequence
    asked: int
    receipts: int
    bridge: int | None
    days: tuple[DayResult, ...]


def recover(
    context: Context, target_id: str, actor: str, reason: str, *, since: str | None = None, dry_run: bool = True
) -> RecoverReport:
    """Look at sequence, receipts and days; without ``dry_run`` take the receipts over and let the sequence go on.

    ``since``: first business date to compare, by default the one of the last batch in our books. What the platform
    lists and we lack stays a difference until it is pulled again (its receipt then says ``duplicate``: nothing takes
    effect twice) and accepted by a person.
    Raises ``Rejected``: ``act.reason_missing``; ``Misconfigured``: ``reconcile.bridge_refused``; ``Transient``.
    """
    if not dry_run and not (actor.strip() and reason.strip()):
        raise Rejected("act.reason_missing")
    with open_delivery(context, target_id) as delivery:
        found = look_at_sequence(delivery)
        asked, taken = _receipts(delivery, dry_run=dry_run)
        bridge = cross(delivery, found, actor, reason).seq if found.behind and not dry_run else None
        days = () if dry_run else tuple(reconcile_day(delivery, day) for day in _days(delivery, since))
    return RecoverReport(target_id, not dry_run, found, asked, taken, bridge, days)


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
