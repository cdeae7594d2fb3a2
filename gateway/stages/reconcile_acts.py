"""What an operator does about differences (对账处置): look, repair, put two names to a day's result. All audited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.crash import reach
from gateway.crypto.digest import sm3_hex
from gateway.domain.batch import BatchEvent
from gateway.domain.wire import KIND_ORDER
from gateway.errors import Rejected
from gateway.national.reply import Failure
from gateway.stages import receipts
from gateway.stages.context import Context
from gateway.stages.delivery import Delivery, open_delivery
from gateway.stages.reconcile import reconcile_day
from gateway.stages.refused import Words, set_aside
from gateway.store import Transaction, audit, batches, bodies, reconciliations, repairs, utc_aware
from gateway.store.audit import Act
from gateway.store.batches import BatchRow
from gateway.store.reconciliations import DIFFERING, MISSING_HERE, MISSING_THERE, Comparison, Difference
from gateway.store.repairs import Repair, Signature

NAMES = 2  # of different people (delivery table, row 30)
QUARANTINED = "reconcile.differs"


class RepairAct(StrEnum):
    """What can be done about a difference."""

    RESEND = "resend"
    QUARANTINE = "quarantine"
    ACCEPT = "accept"


PROPOSED = {
    MISSING_THERE: RepairAct.RESEND,  # the same bytes, where the platform lost the whole batch
    DIFFERING: RepairAct.QUARANTINE,  # a new version must come from the source
    MISSING_HERE: RepairAct.ACCEPT,  # once it is clear who sent it
}
POSSIBLE = {
    RepairAct.RESEND: frozenset({MISSING_THERE}),
    RepairAct.QUARANTINE: frozenset({MISSING_THERE, DIFFERING}),
    RepairAct.ACCEPT: frozenset({MISSING_THERE, MISSING_HERE, DIFFERING}),
}


@dataclass(frozen=True, slots=True)
class DayLine:
    """One day of the list. ``open``: class → differences that nobody has explained; ``signers``: of this result."""

    business_date: str
    kinds: tuple[Comparison, ...]
    checked_at: datetime
    open: dict[str, int]
    disputed: int
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProposedRepair:
    """An open difference and what is proposed. ``proven``: a receipt says that the platform held exactly this record
    when it came again, so that accepting it rests on evidence."""

    kind: str
    difference: Difference
    act: RepairAct
    proven: bool


@dataclass(frozen=True, slots=True)
class DayDetail:
    """One day with its open differences (at most ``limit``), what was explained, disputed batches and names."""

    line: DayLine
    differences: tuple[ProposedRepair, ...]
    repairs: tuple[Repair, ...]
    disputed: tuple[str, ...]
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class BatchRepair:
    """What became of one batch: resent, would_resend, known_there, bytes_gone, or the failure's code."""

    batch_id: str
    outcome: str


@dataclass(frozen=True, slots=True)
class RepairReport:
    """``chosen``: differences that were meant; ``done``: explained or, after sending again, gone."""

    business_date: str
    act: RepairAct
    dry_run: bool
    chosen: int
    done: int
    batches: tuple[BatchRepair, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which differences are meant; empty: all."""

    kinds: Collection[str] = tuple(KIND_ORDER)
    difference: str | None = None
    keys: Collection[str] = ()
    proven: bool = False


def list_days(context: Context, target_id: str, first: str, last: str) -> list[DayLine]:
    """Days that were compared, newest first."""
    with context.store.read() as transaction:
        days = {one.business_date for one in reconciliations.compared(transaction, target_id, first, last)}
        return [_line(transaction, target_id, day) for day in sorted(days, reverse=True)]


def show_day(context: Context, target_id: str, business_date: str, limit: int = 200) -> DayDetail:
    """One day; ``Rejected('reconcile.day_unknown')`` if it was never compared."""
    with context.store.read() as transaction:
        line = _line(transaction, target_id, business_date)
        found = list(_proposals(transaction, target_id, business_date, Chosen(), limit))
        digest = repairs.result_digest(transaction, target_id, business_date)
        return DayDetail(
            line,
            tuple(found[:limit]),
            tuple(repairs.repairs(transaction, target_id, business_date)),
            tuple(row.batch_id for row in reconciliations.disputed(transaction, target_id, business_date)),
            tuple(repairs.signatures(transaction, target_id, business_date, digest)),
        )


def repair(
    context: Context,
    target_id: str,
    business_date: str,
    act: RepairAct,
    actor: str,
    reason: str,
    chosen: Chosen | None = None,
    *,
    dry_run: bool = True,
) -> RepairReport:
    """Repair a day's open differences. A dry run tells what would be done; it asks the platform, and writes nothing.

    ``resend`` sends the same bytes under the same id, only of batches that the platform says it doesn't know, and
    compares the day again. ``quarantine`` sets our record aside until its source corrects it. ``accept`` notes that
    the difference is understood. Both explain a difference only as long as it stays the same.
    Raises ``Rejected``: ``act.reason_missing``, ``reconcile.day_unknown``, ``reconcile.nothing_chosen``.
    """
    if not dry_run and not (actor.strip() and reason.strip()):
        raise Rejected("act.reason_missing")
    asked = chosen or Chosen()
    with context.store.read() as transaction:
        _line(transaction, target_id, business_date)
        meant = sum(1 for one in _proposals(transaction, target_id, business_date, asked) if _fits(one, act))
    if not meant:
        raise Rejected("reconcile.nothing_chosen", date=business_date, act=str(act))
    with open_delivery(context, target_id) as delivery:
        if act is RepairAct.RESEND:
            sent = tuple(_resend(delivery, business_date, actor, reason, dry_run=dry_run))
            if not dry_run:
                reconcile_day(delivery, business_date)
            left = _count(context, target_id, business_date, asked, act)
            return RepairReport(business_date, act, dry_run, meant, meant - left, sent)
        if dry_run:
            return RepairReport(business_date, act, dry_run, meant, 0)
        done = _explain(delivery, business_date, act, actor, reason, asked)
    return RepairReport(business_date, act, dry_run, meant, done)


def sign_day(context: Context, target_id: str, business_date: str, actor: str, reason: str) -> tuple[str, ...]:
    """Row 30: put a name to the day's result; with the second one its disputed batches are RECONCILED. All names.

    Raises ``Rejected``: ``act.reason_missing``, ``reconcile.day_unknown``, ``reconcile.still_open`` (count).
    """
    if not (actor.strip() and reason.strip()):
        raise Rejected("act.reason_missing")
    with context.store.begin() as transaction:
        line = _line(transaction, target_id, business_date)
        if line.open:
            raise Rejected("reconcile.still_open", date=business_date, count=sum(line.open.values()))
        now = context.clock()
        digest = repairs.result_digest(transaction, target_id, business_date)
        repairs.sign(transaction, target_id, business_date, digest, actor, reason, now)
        names = tuple(one.signer for one in repairs.signatures(transaction, target_id, business_date, digest))
        reach("reconcile.signed")
        resolved = 0
        if len(names) >= NAMES:
            for row in reconciliations.disputed(transaction, target_id, business_date):
                batches.step(transaction, row, BatchEvent.RESOLVED, now, actor, detail=", ".join(names))
                resolved += 1
        outcome = f"names={len(names)} resolved={resolved}"
        audit.record(transaction, Act(now, actor, "reconcile.sign", business_date, reason, outcome))
    return names


def _line(transaction: Transaction, target_id: str, business_date: str) -> DayLine:
    found = reconciliations.compared(transaction, target_id, business_date, business_date)
    if not found:
        raise Rejected("reconcile.day_unknown", date=business_date)
    differ: dict[str, int] = defaultdict(int)
    counted = reconciliations.count_items(transaction, target_id, business_date, business_date)
    for (_, _, difference), number in counted.items():
        differ[difference] += number
    digest = repairs.result_digest(transaction, target_id, business_date)
    return DayLine(
        business_date,
        tuple(one.comparison for one in found),
        utc_aware(max(one.checked_at for one in found)),
        dict(differ),
        len(reconciliations.disputed(transaction, target_id, business_date)),
        tuple(one.signer for one in repairs.signatures(transaction, target_id, business_date, digest)),
    )


def _proposals(
    transaction: Transaction, target_id: str, business_date: str, chosen: Chosen, limit: int | None = None
) -> Iterator[ProposedRepair]:
    """Open differences that are meant, page by page."""
    given = 0
    for kind in KIND_ORDER:
        after = ""
        while kind in chosen.kinds and (limit is None or given < limit):
            page = reconciliations.items(
                transaction, target_id, business_date, kind, difference=chosen.difference, after=after
            )
            if not page:
                break
            after = page[-1].record_key
            proven = repairs.proven(transaction, target_id, kind, page)
            for one in page:
                is_proven = one.record_key in proven
                if (not chosen.keys or one.record_key in chosen.keys) and (is_proven or not chosen.proven):
                    given += 1
                    yield ProposedRepair(kind, one, PROPOSED[one.difference], is_proven)


def _fits(one: ProposedRepair, act: RepairAct) -> bool:
    return one.difference.difference in POSSIBLE[act]


def _count(context: Context, target_id: str, business_date: str, chosen: Chosen, act: RepairAct) -> int:
    with context.store.read() as transaction:
        return sum(1 for one in _proposals(transaction, target_id, business_date, chosen) if _fits(one, act))


def _explain(delivery: Delivery, business_date: str, act: RepairAct, actor: str, reason: str, chosen: Chosen) -> int:
    """Explain what is meant, a kind a transaction."""
    target_id, done = delivery.target.target, 0
    for kind in KIND_ORDER:
        if kind not in chosen.kinds:
            continue
        only = Chosen((kind,), chosen.difference, chosen.keys, chosen.proven)
        with delivery.context.store.begin() as transaction:
            now = delivery.now()
            found = [
                one.difference for one in _proposals(transaction, target_id, business_date, only) if _fits(one, act)
            ]
            if not found:
                continue
            if act is RepairAct.QUARANTINE:
                _set_aside(delivery, transaction, business_date, kind, found)
            repairs.explain(transaction, target_id, business_date, kind, found, act, actor, reason, now)
            outcome = f"{kind}={len(found)}"
            audit.record(transaction, Act(now, actor, f"reconcile.{act}", business_date, reason, outcome))
            reach("reconcile.repaired")
        done += len(found)
    return done


def _set_aside(
    delivery: Delivery, transaction: Transaction, business_date: str, kind: str, found: list[Difference]
) -> None:
    keys = [one.record_key for one in found]
    held = repairs.holding(transaction, delivery.target.target, business_date, kind, keys)
    by_batch: dict[str, list[Words]] = defaultdict(list)
    for batch_id, item in held:
        by_batch[batch_id].append((item, QUARANTINED, ""))
    for batch_id, words in by_batch.items():
        set_aside(delivery, transaction, batch_id, words)


def _resend(delivery: Delivery, business_date: str, actor: str, reason: str, *, dry_run: bool) -> Iterator[BatchRepair]:
    with delivery.context.store.read() as transaction:
        rows = reconciliations.lost_candidates(transaction, delivery.target.target, business_date)
    for row in rows:
        reply = delivery.client.batch_status(row.batch_id)
        if reply.failure is not None:
            outcome = reply.failure.code
        elif reply.meaning != "unknown":
            outcome = "known_there"
        else:
            outcome = _send_again(delivery, row, actor, reason, dry_run=dry_run)
        yield BatchRepair(row.batch_id, outcome)


def _send_again(delivery: Delivery, row: BatchRow, actor: str, reason: str, *, dry_run: bool) -> str:
    """The platform lost the whole batch: the same bytes under the same id, as one more attempt. The state stays."""
    store = delivery.context.store
    with store.read() as transaction:
        body = bodies.read(transaction, row.batch_id)
    if sm3_hex(body) != row.body_digest:
        return "bytes_gone"
    if dry_run:
        return "would_resend"
    with store.begin() as transaction:
        now = delivery.now()
        claimed = repairs.begin_again(transaction, row, now, delivery.lease, delivery.worker)
        audit.record(transaction, Act(now, actor, "reconcile.resend", row.batch_id, reason, "sending"))
    reach("resend.leaving")
    reply = delivery.client.send_batch(
        row.batch_id, body, row.body_digest, expires=row.expires_at, token=claimed.lease_token
    )
    reach("resend.answered")
    judged = receipts.judge(delivery, row, reply.receipt) if reply.meaning == "receipt" else None
    failure = judged if isinstance(judged, Failure) else reply.failure
    with store.begin() as transaction:
        now = delivery.now()
        if judged is None or isinstance(judged, Failure):
            if judged is not None:
                receipts.keep_invalid(delivery, transaction, row, reply.receipt, judged.code)
        else:
            receipts.apply(delivery, transaction, row.batch_id, judged, reply.receipt)
        outcome = "resent" if failure is None else failure.code
        status = 200 if failure is None else failure.http_status
        batches.finish_attempt(transaction, claimed, now, "RESENT", status, None if failure is None else failure.code)
    return outcome
