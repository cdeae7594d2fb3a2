"""What stands still (滞留): since when, why, who must act and how. ``gw stuck`` and the operations page show it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.batch import STAGES, BatchState
from gateway.domain.batch_act import untimely
from gateway.domain.failure import OWNERS, REFUSALS, FailureClass, Owner
from gateway.domain.moments import shanghai_text
from gateway.messages import LANGUAGES, reason, retell, text
from gateway.reports.standing import Words
from gateway.store import Store, Transaction, approvals, backlog, batch_lines, targets, voids
from gateway.store.batch_lines import BatchLine
from gateway.store.sequences import REFUSED as SEQUENCE_REFUSED
from gateway.store.voids import VoidNotice

MOST = 10_000  # batches looked at
LONG = timedelta(hours=1)  # a void notice that is not answered by then is told
BY_CODE = {
    "target.maintenance": Owner.MACHINE,
    "target.breaker_open": Owner.PLATFORM,
    "target.refuses_all": Owner.OPERATOR_AND_PLATFORM,
    "target.held": Owner.OPERATOR,
    "batch.held": Owner.OPERATOR,
}
BY_STATE = {
    BatchState.AWAITING_RECEIPT: Owner.PLATFORM,
    BatchState.INTERRUPTED: Owner.OPERATOR,
    BatchState.FAILED: Owner.OPERATOR,
    BatchState.DISPUTED: Owner.OPERATOR_AND_PLATFORM,
}
ACTS = {
    BatchState.SUSPENDED: "gw batch resume {batch} --reason …",
    BatchState.INTERRUPTED: "gw batch restore {batch} --from … --reason …",
    BatchState.FAILED: "gw batch retry {batch} --reason …",
    BatchState.DISPUTED: "gw batch resolve {batch} --reason …",
}

RESUME = "gw target resume {target} --reason …"
RECOVER = "gw reconcile recover --target {target} --yes --reason …"
TO_COMPARE = (BatchState.ACKNOWLEDGED, BatchState.PARTIALLY_ACCEPTED)
SIGN = "gw reconcile sign {day} --target {target} --reason …"


@dataclass(frozen=True, slots=True)
class Stuck:
    """Things of one kind (``what``) that wait for the same: a batch, record, void, approval or target.

    ``overdue``: those beyond their time.
    """

    what: str
    target_id: str
    state: str
    state_text: Words
    code: str | None
    why: Words
    owner: Owner
    count: int
    overdue: int
    since: datetime
    sla: timedelta | None
    command: str
    ids: tuple[str, ...]

    @property
    def owner_text(self) -> Words:
        """Who must act, by language."""
        return _words(f"stuck.owner.{self.owner}")


def stuck(store: Store, now: datetime, unheard: Collection[str] = ()) -> list[Stuck]:
    """Everything that a person must move, or that a machine has left longer than it may, longest first.

    ``unheard``: targets whose interface compares no day, so that people do.
    """
    with store.read() as transaction:
        lines = [
            *_targets(transaction),
            *_batches(transaction, now, unheard),
            *_held(transaction),
            *_voids(transaction, now),
            *_approvals(transaction),
        ]
    return sorted(lines, key=lambda line: line.since)


def _targets(transaction: Transaction) -> Iterator[Stuck]:
    for target_id in targets.known(transaction):
        row = targets.read_target(transaction, target_id)
        if row.suspended_code is None or row.suspended_at is None:
            continue
        yield Stuck(
            what="target",
            target_id=target_id,
            state="suspended",
            state_text=_words("stuck.suspended"),
            code=row.suspended_code,
            why=_retold(row.suspended_code, row.suspended_detail, target=target_id),
            owner=_owner_of(row.suspended_code),
            count=1,
            overdue=0,
            since=row.suspended_at,
            sla=STAGES[BatchState.SUSPENDED].sla,
            command=RESUME.format(target=target_id),
            ids=(target_id,),
        )


def _batches(transaction: Transaction, now: datetime, unheard: Collection[str]) -> Iterator[Stuck]:
    stopped = {known: targets.read_target(transaction, known).suspended_code for known in targets.known(transaction)}
    groups: dict[tuple[str, BatchState, str | None, bool], list[BatchLine]] = {}
    for line in batch_lines.unmoved(transaction, now, MOST):
        early = line.state is BatchState.SUSPENDED and untimely(line.failure_code, line.created_at, now)
        groups.setdefault((line.target_id, line.state, line.failure_code, early), []).append(line)
    for (target_id, state, code, early), lines in groups.items():
        first = min(lines, key=lambda line: line.updated_at)
        by_people = target_id in unheard and state in TO_COMPARE
        yield Stuck(
            what="batch",
            target_id=target_id,
            state=state,
            state_text=first.state_text,
            code=code,
            why=_why(first, by_people=by_people, early=early),
            owner=Owner.OPERATOR_AND_PLATFORM if by_people else Owner.OPERATOR if early else _owner(first),
            count=len(lines),
            overdue=sum(line.overdue for line in lines),
            since=first.updated_at,
            sla=STAGES[state].sla,
            command=SIGN.format(day=first.business_date, target=target_id)
            if by_people
            else _command(first, early=early, with_target=code is not None and code == stopped.get(target_id)),
            ids=tuple(line.batch_id for line in lines),
        )


def _why(line: BatchLine, *, by_people: bool, early: bool) -> Words:
    if early:
        return _words("stuck.untimely", created=shanghai_text(line.created_at))
    return line.failure_text if line.failure_code else _words("stuck.unheard" if by_people else "stuck.late")


def _owner(line: BatchLine) -> Owner:
    if line.state is BatchState.SUSPENDED:
        if line.failure_class is not None:
            return OWNERS[FailureClass(line.failure_class)]
        return _owner_of(line.failure_code or "")
    return BY_STATE.get(line.state, Owner.MACHINE)


def _owner_of(code: str) -> Owner:
    """Who removes a cause of suspension that is known by its code alone."""
    if code in BY_CODE:
        return BY_CODE[code]
    if code.startswith("receipt."):
        return Owner.OPERATOR_AND_PLATFORM
    kind = REFUSALS.get(code)
    return OWNERS[kind] if kind is not None else Owner.OPERATOR


def _command(line: BatchLine, *, early: bool, with_target: bool) -> str:
    """``early``: nobody takes it before its time, and letting it go stops the target, so its records go anew.
    ``with_target``: it stands still with its whole target, and would again if it were let go alone."""
    if early:
        return "gw push" if line.maybe_sent else f"gw batch cancel {line.batch_id[:12]} --reason …"
    if line.failure_code in ("target.maintenance", "target.breaker_open"):
        return "gw push"
    if (line.state, line.failure_code) == (BatchState.SUSPENDED, SEQUENCE_REFUSED):
        return RECOVER.format(target=line.target_id)
    if line.state is BatchState.SUSPENDED and with_target:
        return RESUME.format(target=line.target_id)
    return ACTS.get(line.state, "gw push").format(batch=line.batch_id[:12])


def _held(transaction: Transaction) -> Iterator[Stuck]:
    for held in backlog.held_for_a_person(transaction):
        yield Stuck(
            what="record",
            target_id=held.target_id,
            state="held",
            state_text=_words("stuck.held"),
            code=held.reason,
            why={lang: text("stuck.held_why", lang, reason=reason(held.reason, lang)) for lang in LANGUAGES},
            owner=Owner.OPERATOR,
            count=held.records,
            overdue=0,
            since=held.since,
            sla=timedelta(days=1),
            command=f"gw quarantine replay --code {held.reason} --yes --reason …",
            ids=held.keys,
        )


def _voids(transaction: Transaction, now: datetime) -> Iterator[Stuck]:
    for notice in voids.unanswered(transaction):
        refused = notice.next_attempt_at is not None and notice.next_attempt_at - now > LONG
        if not refused and now - notice.owed_at <= LONG:
            continue
        yield Stuck(
            what="void",
            target_id=notice.target_id,
            state="waiting",
            state_text=_words("stuck.void", seq=notice.seq),
            code=notice.code,
            why=_why_void(notice),
            owner=Owner.OPERATOR_AND_PLATFORM if refused else Owner.MACHINE,
            count=1,
            overdue=1,
            since=notice.owed_at,
            sla=LONG,
            command=f"gw target check {notice.target_id}",
            ids=(notice.batch_id,),
        )


def _why_void(notice: VoidNotice) -> Words:
    if notice.reason == voids.LOST and notice.code == SEQUENCE_REFUSED:
        return _words("stuck.hole", seq=notice.seq)
    return _retold(notice.code, None) if notice.code else _words("stuck.late")


def _approvals(transaction: Transaction) -> Iterator[Stuck]:
    for one in approvals.waiting(transaction):
        yield Stuck(
            what="approval",
            target_id="",
            state="waiting",
            state_text=_words("stuck.approval"),
            code=None,
            why=_words("stuck.second_person", act=one.act, asked_by=one.asked_by),
            owner=Owner.OPERATOR,
            count=len(one.batch_ids),
            overdue=0,
            since=one.asked_at,
            sla=timedelta(days=1),
            command=f"gw batch approve {one.approval_id} --reason …",
            ids=(one.approval_id,),
        )


def _retold(code: str, kept: str | None, **known: object) -> Words:
    return {lang: retell(code, kept, lang, **known) for lang in LANGUAGES}


def _words(code: str, **params: object) -> Words:
    return {lang: text(code, lang, **params) for lang in LANGUAGES}
