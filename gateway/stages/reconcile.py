"""Reconciliation (对账): a business date's accepted records, ours against the platform's, by count and digest.

A date may be compared several times a day: every comparison covers the whole day, and judges the batches that none
has judged yet. A batch is RECONCILED when all that it brought is held equal on both sides, DISPUTED when not; what a
batch under way explains is an expected difference, and so is what a person has explained. Both sides are read page by
page, by key: a day may be as long as it likes, and no transaction waits for the platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - the parameter is called date
from datetime import datetime
from itertools import islice
from tempfile import SpooledTemporaryFile

import orjson

from gateway.crash import reach
from gateway.crypto.digest import Sm3, sm3_hex
from gateway.domain.batch import BatchEvent
from gateway.domain.wire import KIND_ORDER
from gateway.national.client import HeldRecord, KindTotal
from gateway.stages.context import Context
from gateway.stages.delivery import Delivery, open_delivery
from gateway.stages.receipts_late import take_receipt
from gateway.store import batches as batch_store
from gateway.store import reconciliations, repairs
from gateway.store.reconciliations import DIFFERING, MISSING_HERE, MISSING_THERE, Comparison, Delivered, Difference

ACTOR = "reconcile"
PAGE = 5_000  # of our records
LOOKED_UP = 1_000  # differences at once
IN_MEMORY = 4_194_304  # bytes of differences; more go through a nameless file
SHOWN = 100


@dataclass(frozen=True, slots=True)
class KindResult:
    """One kind of the day. ``differing``: how many keys differ without anything that explains it; ``differences``:
    the first of them, key → class (:func:`gateway.stages.reconcile_acts.show_day` has all)."""

    kind: str
    our_count: int
    their_count: int
    equal: bool
    expected: int
    differing: int
    differences: dict[str, str]


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
        """Nothing differs but what is explained."""
        return not any(kind.differing for kind in self.kinds)


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
        days = tuple(reconcile_day(delivery, business_date) for business_date in chosen)
    return ReconcileReport(target_id, days, sum(day.reconciled for day in days), sum(day.disputed for day in days))


def days_to_reconcile(context: Context, target_id: str) -> list[str]:
    """Business dates with batches that no comparison has judged yet, oldest first."""
    with context.store.read() as transaction:
        return reconciliations.days_to_judge(transaction, target_id)


def reconcile_day(delivery: Delivery, business_date: str) -> DayResult:
    """Compare one day and judge its batches."""
    target_id = delivery.target.target
    with delivery.context.store.read() as transaction:
        judged = reconciliations.to_judge(transaction, target_id, business_date)
        unsettled = reconciliations.unsettled(transaction, target_id, business_date)
    since = delivery.now()  # after the batches were read: what settles from here on is expected to differ
    theirs = delivery.client.reconciliation(business_date)
    results = [
        _compare(delivery, business_date, kind, theirs.get(kind, KindTotal(0, sm3_hex(b""))), since)
        for kind in KIND_ORDER
    ]
    reach("reconcile.compared")
    _ask_for_listed(delivery, business_date)
    disputed = _judge(delivery, business_date, judged)
    reach("reconcile.judged")
    return DayResult(business_date, tuple(results), len(judged) - disputed, disputed, tuple(unsettled))


def _compare(delivery: Delivery, business_date: str, kind: str, theirs: KindTotal, since: datetime) -> KindResult:
    target_id, store = delivery.target.target, delivery.context.store
    with store.read() as transaction:
        count, digest = total(reconciliations.delivered(transaction, target_id, business_date, kind))
        expected = reconciliations.count_expected(transaction, target_id, business_date, kind)
    comparison = Comparison(kind, count, digest, theirs.count, theirs.digest, expected)
    found = _Spool()
    try:
        if not comparison.equal:
            _find(delivery, business_date, kind, since, found)
        with store.begin() as transaction:
            now = delivery.now()
            reconciliations.store_comparison(transaction, target_id, business_date, comparison, found.read(), now)
            reach("reconcile.stored")
    finally:
        found.close()
    return KindResult(kind, count, theirs.count, comparison.equal, expected, found.count, found.first)


def _find(delivery: Delivery, business_date: str, kind: str, since: datetime, found: _Spool) -> None:
    """Put every unexplained difference into ``found``."""
    target_id, store = delivery.target.target, delivery.context.store
    listed = delivery.client.reconciliation_items(business_date, kind)
    candidates = differing(_ours(delivery, business_date, kind), listed)
    while chunk := list(islice(candidates, LOOKED_UP)):
        with store.read() as transaction:
            chunk = reconciliations.unexplained(transaction, target_id, business_date, kind, chunk, since)
            chunk = repairs.unrepaired(transaction, target_id, business_date, kind, chunk)
        for one in chunk:
            found.add(one)


def _ours(delivery: Delivery, business_date: str, kind: str) -> Iterator[Delivered]:
    """Our side by key, a page a transaction."""
    after, store, target_id = "", delivery.context.store, delivery.target.target
    while True:
        with store.read() as transaction:
            page = reconciliations.delivered_after(transaction, target_id, business_date, kind, after, PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].key


class _Spool:
    """Differences on their way into one transaction: counted, the first ones remembered, the rest beside memory."""

    def __init__(self) -> None:
        self.count = 0
        self.first: dict[str, str] = {}
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by whoever made the spool

    def add(self, difference: Difference) -> None:
        self.count += 1
        if self.count <= SHOWN:
            self.first[difference.record_key] = difference.difference
        self._file.write(orjson.dumps(list(difference)) + b"\n")

    def read(self) -> Iterator[Difference]:
        self._file.seek(0)
        return (Difference(*orjson.loads(line)) for line in self._file)

    def close(self) -> None:
        self._file.close()


def total(records: Iterable[Delivered]) -> tuple[int, str]:
    """Count and digest of a kind: SM3 over key ‖ 0x00 ‖ record digest, by key ascending."""
    count, digest = 0, Sm3()
    for record in records:
        count += 1
        digest.update(b"%b\x00%b" % (record.key.encode(), record.digest))
    return count, digest.hexdigest()


def differing(ours: Iterator[Delivered], theirs: Iterator[HeldRecord]) -> Iterator[Difference]:
    """Keys that differ; both sides come by key ascending (UTF-8 bytes), so neither is held as a whole."""
    mine, held = next(ours, None), next(theirs, None)
    while mine is not None or held is not None:
        if mine is not None and (held is None or mine.key.encode() < held.key.encode()):
            yield Difference(mine.key, MISSING_THERE, mine.version, mine.digest.hex(), None, None)
            mine = next(ours, None)
        elif held is not None and (mine is None or held.key.encode() < mine.key.encode()):
            yield Difference(held.key, MISSING_HERE, None, None, held.version, held.digest)
            held = next(theirs, None)
        elif mine is not None and held is not None:
            digest = mine.digest.hex()
            if (mine.version, digest) != (held.version, held.digest):
                yield Difference(mine.key, DIFFERING, mine.version, digest, held.version, held.digest)
            mine, held = next(ours, None), next(theirs, None)


def _ask_for_listed(delivery: Delivery, business_date: str) -> None:
    """Row 29: a batch that we hold for refused, expired or cancelled, and that the platform seems to have taken.

    Only its receipt, verified as any other, makes it DISPUTED.
    """
    with delivery.context.store.read() as transaction:
        rows = reconciliations.listed_undelivered(transaction, delivery.target.target, business_date)
    for row in rows:
        take_receipt(delivery, row)


def _judge(delivery: Delivery, business_date: str, judged: list[batch_store.BatchRow]) -> int:
    """Move the day's batches; how many are disputed. One that moved meanwhile ends the run: ``Transient``."""
    now, disputed = delivery.now(), 0
    with delivery.context.store.begin() as transaction:
        guilty = reconciliations.holders(transaction, delivery.target.target, business_date)
        for row in judged:
            event = BatchEvent.DISPUTED if row.batch_id in guilty else BatchEvent.RECONCILED
            batch_store.step(transaction, row, event, now, ACTOR, detail=business_date)
            disputed += row.batch_id in guilty
    return disputed
