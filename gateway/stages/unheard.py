"""Days that no call can compare (无对账接口): what we hold them to have taken, and the two names that stand for it.

Some receivers have no reconciliation. Their counts come by telephone or on paper: a person compares, and a second one
confirms. Until then the day's batches stay as the answers left them; nothing of ours pretends that it was compared.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.crypto.canonical import canonical_json
from gateway.crypto.digest import sm3_hex
from gateway.domain.batch import BatchEvent
from gateway.domain.wire import KIND_ORDER
from gateway.errors import Rejected
from gateway.stages.context import Context
from gateway.stages.reconcile import total
from gateway.stages.reconcile_acts import NAMES
from gateway.store import Transaction, audit, batches, reconciliations, repairs
from gateway.store.audit import Act
from gateway.store.repairs import Signature


@dataclass(frozen=True, slots=True)
class OwnDay:
    """One business date by our own account. ``waiting``: ids of its batches that nobody has compared yet."""

    business_date: str
    counts: dict[str, int]
    digest: str
    waiting: tuple[str, ...]
    signatures: tuple[Signature, ...]


def own_day(context: Context, target_id: str, business_date: str) -> OwnDay:
    """What was accepted that day, by kind; ``Rejected('reconcile.day_unknown')`` where nothing was sent."""
    with context.store.read() as transaction:
        return _own_day(transaction, target_id, business_date)


def sign_own_day(
    context: Context, target_id: str, business_date: str, actor: str, reason: str
) -> tuple[tuple[str, ...], int]:
    """Put a name to a day that was compared with the receiver by other means; with the second one its batches are
    RECONCILED. All names, and how many batches moved. What the day brings later makes it another result.

    Raises ``Rejected``: ``act.reason_missing``, ``reconcile.day_unknown``.
    """
    if not (actor.strip() and reason.strip()):
        raise Rejected("act.reason_missing")
    with context.store.begin() as transaction:
        now, day = context.clock(), _own_day(transaction, target_id, business_date)
        repairs.sign(transaction, target_id, business_date, day.digest, actor, reason, now)
        names = tuple(one.signer for one in repairs.signatures(transaction, target_id, business_date, day.digest))
        moved = reconciliations.to_judge(transaction, target_id, business_date) if len(names) >= NAMES else []
        for row in moved:
            batches.step(transaction, row, BatchEvent.RECONCILED, now, actor, detail=", ".join(names))
        outcome = f"names={len(names)} reconciled={len(moved)}"
        audit.record(transaction, Act(now, actor, "reconcile.sign", business_date, reason, outcome))
    return names, len(moved)


def _own_day(transaction: Transaction, target_id: str, business_date: str) -> OwnDay:
    account = {
        kind: total(reconciliations.delivered(transaction, target_id, business_date, kind)) for kind in KIND_ORDER
    }
    waiting = reconciliations.to_judge(transaction, target_id, business_date)
    if not waiting and not any(count for count, _ in account.values()):
        raise Rejected("reconcile.day_unknown", date=business_date)
    digest = sm3_hex(canonical_json({kind: [count, digest] for kind, (count, digest) in account.items()}))
    signed = repairs.signatures(transaction, target_id, business_date, digest)
    counts = {kind: count for kind, (count, _) in account.items()}
    return OwnDay(business_date, counts, digest, tuple(row.batch_id for row in waiting), tuple(signed))
