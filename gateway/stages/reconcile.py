"""Reconciliation (对账): a business date's accepted records, ours against the platform's, by count and digest.

A date may be compared several times a day: every comparison covers the whole day, and judges the batches that none
has judged yet. A batch is RECONCILED when all that it brought is held equal on both sides, DISPUTED when not; what a
batch without a result explains is an expected difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - the parameter is called date

from gateway.crash import reach
from gateway.crypto.digest import sm3_hex
from gateway.domain.batch import BatchEvent
from gateway.domain.wire import KIND_ORDER
from gateway.national.client import HeldRecord, KindTotal
from gateway.stages.context import Context
from gateway.stages.delivery import Delivery, open_delivery
from gateway.store import batches as batch_store
from gateway.store import reconciliations
from gateway.store.reconciliations import Comparison, Delivered

ACTOR = "reconcile"
MISSING_THERE, MISSING_HERE, DIFFERING = "missing_there", "missing_here", "differing"
Differences = dict[str, str]


@dataclass(frozen=True, slots=True)
class KindResult:
    """One kind of the day. ``differences`` are those that no unsettled batch explains: key → class."""

    kind: str
    our_count: int
    their_count: int
    equal: bool
    expected: int
    differences: Differences


@dataclass(frozen=True, slots=True)
class DayResult:
    """One date. ``unsettled``: ids of its batches that have no result yet."""

    business_date: str
    kinds: tuple[KindResult, ...]
    reconciled: int
    disputed: int
    unsettled: tuple[str, ...]

    @property
    def agreed(self) -> bool:
        """Nothing differs but what the unsettled batches explain."""
        return not any(kind.differences for kind in self.kinds)


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """What one run compared; ``reconciled`` and ``disputed`` count batches."""

    target_id: str
    days: tuple[DayResult, ...]
    reconciled: int
    disputed: int

    @property
    def agreed(self) -> bool:
        return all(day.agreed for day in self.days)


def reconcile(context: Context, target_id: str, date: str | Date | None = None) -> ReconcileReport:
    """Compare ``date`` (``YYYY-MM-DD``, Asia/Shanghai), by default every date with batches that wait for it.

    Raises ``Transient`` or ``Misconfigured`` when the platform can't be asked: no batch of that date is moved then.
    """
    chosen = days_to_reconcile(context, target_id) if date is None else [str(date)]
    with open_delivery(context, target_id) as delivery:
        days = tuple(_reconcile_day(delivery, business_date) for business_date in chosen)
    return ReconcileReport(target_id, days, sum(day.reconciled for day in days), sum(day.disputed for day in days))


def _reconcile_day(delivery: Delivery, business_date: str) -> DayResult:
    target_id = delivery.target.target
    # Read before the platform is asked: a batch that is settled in between shows as expected, never as disputed.
    with delivery.context.store.read() as transaction:
        judged = reconciliations.to_judge(transaction, target_id, business_date)
        unsettled = reconciliations.unsettled(transaction, target_id, business_date)
        expected = {
            kind: reconciliations.expected_keys(transaction, target_id, business_date, kind) for kind in KIND_ORDER
        }
    theirs = delivery.client.reconciliation(business_date)
    results = [
        _compare(delivery, business_date, kind, theirs.get(kind, KindTotal(0, sm3_hex(b""))), expected[kind])
        for kind in KIND_ORDER
    ]
    reach("reconcile.compared")
    disputed = _judge(delivery, business_date, judged, results)
    reach("reconcile.judged")
    return DayResult(business_date, tuple(results), len(judged) - disputed, disputed, tuple(unsettled))


def days_to_reconcile(context: Context, target_id: str) -> list[str]:
    """Business dates with batches that no comparison has judged yet, oldest first."""
    with context.store.read() as transaction:
        return reconciliations.days_to_judge(transaction, target_id)


def _compare(
    delivery: Delivery, business_date: str, kind: str, theirs: KindTotal, expected_keys: set[str]
) -> KindResult:
    target_id, store = delivery.target.target, delivery.context.store
    with store.read() as transaction:
        count, digest = _total(reconciliations.delivered(transaction, target_id, business_date, kind))
    comparison = Comparison(kind, count, digest, theirs.count, theirs.digest, len(expected_keys))
    differences: Differences = {}
    if not comparison.equal:
        with store.read() as transaction:
            ours = reconciliations.delivered(transaction, target_id, business_date, kind)
            listed = delivery.client.reconciliation_items(business_date, kind)
            differences = {key: what for key, what in differing(ours, listed) if key not in expected_keys}
    with store.begin() as transaction:
        reconciliations.store_comparison(transaction, target_id, business_date, comparison, differences, delivery.now())
    return KindResult(kind, count, theirs.count, comparison.equal, len(expected_keys), differences)


def _total(records: Iterable[Delivered]) -> tuple[int, str]:
    """Count and digest of a kind: SM3 over key ‖ 0x00 ‖ record digest, by key ascending."""
    count, content = 0, bytearray()
    for record in records:
        count += 1
        content += b"%b\x00%b" % (record.key.encode(), record.digest)
    return count, sm3_hex(bytes(content))


def differing(ours: Iterator[Delivered], theirs: Iterator[HeldRecord]) -> Iterator[tuple[str, str]]:
    """Keys that differ, with their class; both sides come by key ascending, so neither is held as a whole."""
    mine, held = next(ours, None), next(theirs, None)
    while mine is not None or held is not None:
        if mine is not None and (held is None or mine.key.encode() < held.key.encode()):
            yield mine.key, MISSING_THERE
            mine = next(ours, None)
        elif held is not None and (mine is None or held.key.encode() < mine.key.encode()):
            yield held.key, MISSING_HERE
            held = next(theirs, None)
        elif mine is not None and held is not None:
            if (mine.version, mine.digest.hex()) != (held.version, held.digest):
                yield mine.key, DIFFERING
            mine, held = next(ours, None), next(theirs, None)


def _judge(
    delivery: Delivery, business_date: str, judged: list[batch_store.BatchRow], results: list[KindResult]
) -> int:
    """Move the day's batches; how many are disputed."""
    target_id, now, disputed = delivery.target.target, delivery.now(), 0
    with delivery.context.store.begin() as transaction:
        guilty: set[str] = set()
        for result in results:
            guilty |= reconciliations.holders(transaction, target_id, business_date, result.kind, result.differences)
        for row in judged:
            event = BatchEvent.DISPUTED if row.batch_id in guilty else BatchEvent.RECONCILED
            batch_store.step(transaction, row, event, now, ACTOR, detail=business_date)
            disputed += row.batch_id in guilty
    return disputed
