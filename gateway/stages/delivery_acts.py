"""What an operator looks at and does towards a target as a whole: ping, resume, maintenance. Each act is audited."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gateway.domain.batch import BatchState, resume_event
from gateway.domain.batch_act import OUT_OF_TIME, BatchAct, untimely
from gateway.domain.moments import shanghai_text
from gateway.errors import Rejected
from gateway.messages import keep
from gateway.national.target import load_target
from gateway.stages.batch_acts import HELD, Order, act_on_one, person_and_reason
from gateway.stages.context import Context
from gateway.stages.delivery import open_delivery
from gateway.store import Transaction, audit, batch_detail, batch_ids, batch_lines, batches, targets, utc_naive
from gateway.store.audit import Act
from gateway.store.batch_detail import BatchDetail
from gateway.store.batch_lines import BatchLine
from gateway.store.targets import Maintenance, TargetRow


def list_batches(
    context: Context,
    target_id: str | None = None,
    states: Iterable[BatchState] | None = None,
    business_date: str | None = None,
    limit: int = 100,
) -> list[BatchLine]:
    """Batches, newest first."""
    with context.store.read() as transaction:
        return batch_lines.list_batches(transaction, context.clock(), target_id, states, business_date, limit)


def show_batch(context: Context, batch_id: str) -> BatchDetail:
    """One batch with its history; ``Rejected('batch.unknown')``."""
    with context.store.read() as transaction:
        found = batch_detail.show_batch(transaction, batch_id, context.clock())
    if found is None:
        raise Rejected("batch.unknown", batch=batch_id)
    return found


def find_batch(context: Context, batch_id: str) -> BatchDetail:
    """One batch with all that happened to it, by its id or the first characters of it.

    Raises ``Rejected``: ``batch.unknown``, ``batch.ambiguous``.
    """
    return show_batch(context, find_id(context, batch_id))


def find_id(context: Context, batch_id: str) -> str:
    """The full id. Raises ``Rejected``: ``batch.unknown``, ``batch.ambiguous``."""
    if not batch_id.strip():  # an empty variable of a script's would mean the only batch that there is
        raise Rejected("batch.unknown", batch=batch_id)
    with context.store.read() as transaction:
        found = batch_ids.ids_like(transaction, batch_id)
    if not found:
        raise Rejected("batch.unknown", batch=batch_id)
    if len(found) > 1:
        raise Rejected("batch.ambiguous", batch=batch_id)
    return found[0]


def show_target(context: Context, target_id: str) -> TargetRow:
    """Suspension with its cause, breaker, maintenance, watermark."""
    with context.store.read() as transaction:
        return targets.read_target(transaction, target_id)


def knows_target(context: Context, target_id: str) -> bool:
    """Whether something was ever noted of the target, though its file may be gone."""
    with context.store.read() as transaction:
        return target_id in targets.known(transaction)


def ping_target(context: Context, target_id: str) -> None:
    """Call the platform with our credentials; raises what the call met."""
    with open_delivery(context, target_id) as delivery:
        delivery.client.ping()


def retry_batch(context: Context, batch_id: str, actor: str, reason: str) -> BatchState:
    """Rows 12, 20, 25: the same bytes go again under the same id; its state now. Raises what stands in the way."""
    return BatchState(act_on_one(context, Order(BatchAct.RETRY, actor, reason), batch_id).state or "")


def resume_target(context: Context, target_id: str, actor: str, reason: str) -> int:
    """Row 20: the cause is cleared; the suspended batches go on. How many did; the rest: :func:`left_suspended`.

    Those that a person holds stay, and those whose time has not come: the platform would refuse them again, and the
    whole target would stand still again. Raises ``Rejected``: ``target.not_suspended``, ``act.reason_missing``.
    """
    person_and_reason(actor, reason)
    now = context.clock()
    with context.store.begin() as transaction:
        batches.restart_windows(transaction, target_id, now)
        out_of_time = batches.suspended(transaction, target_id, causes=[OUT_OF_TIME])
        early = {row.batch_id for row in out_of_time if untimely(OUT_OF_TIME, row.created_at, now)}
        parked = [row for row in batches.suspended(transaction, target_id, but=HELD) if row.batch_id not in early]
        for row in parked:
            event = resume_event(row.state, row.maybe_sent)
            fresh = {"window_started_at": utc_naive(now)}
            batches.step(transaction, row, event, now, actor, detail=reason, changes=fresh)
        if not targets.resume(transaction, target_id):
            raise Rejected("target.not_suspended", target=target_id)
        _note(context, transaction, actor, "target.resume", target_id, reason, f"batches={len(parked)}")
    return len(parked)


def left_suspended(context: Context, target_id: str) -> int:
    """How many batches of the target stand still; ``gw stuck`` says why."""
    with context.store.read() as transaction:
        return batch_lines.count_by_state(transaction, target_id).get(BatchState.SUSPENDED, 0)


def plan_maintenance(
    context: Context, target_id: str, start: datetime, end: datetime, actor: str, reason: str
) -> Maintenance:
    """Nothing is sealed or sent from ``start`` until ``end``; what is under way ends. Replaces an earlier window.

    Raises ``Rejected``: ``target.window_invalid``, ``act.reason_missing``; ``Misconfigured`` ``target.unknown``.
    """
    person_and_reason(actor, reason)
    target = load_target(context.settings.targets_dir, target_id)
    if end <= start or end <= context.clock():
        raise Rejected("target.window_invalid", start=shanghai_text(start), end=shanghai_text(end))
    window = Maintenance(start, end, reason)
    with context.store.begin() as transaction:
        targets.ensure_target(transaction, target_id, target.stream)
        targets.plan_maintenance(transaction, target_id, window)
        outcome = f"{start.isoformat(timespec='seconds')} - {end.isoformat(timespec='seconds')}"
        _note(context, transaction, actor, "target.maintenance", target_id, reason, outcome)
    return window


def end_maintenance(context: Context, target_id: str, actor: str, reason: str) -> None:
    """The window is over, or won't be; its batches go on with the next push. ``Rejected('target.no_window')``."""
    person_and_reason(actor, reason)
    with context.store.begin() as transaction:
        if targets.read_target(transaction, target_id).maintenance is None:
            raise Rejected("target.no_window", target=target_id)
        targets.plan_maintenance(transaction, target_id, None)
        _note(context, transaction, actor, "target.maintenance", target_id, reason, "ended")


def suspend_target(context: Context, target_id: str, actor: str, reason: str) -> None:
    """Row 19, operator hold of a whole target: nothing goes there until a person resumes it."""
    person_and_reason(actor, reason)
    target = load_target(context.settings.targets_dir, target_id)
    with context.store.begin() as transaction:
        targets.ensure_target(transaction, target_id, target.stream)
        targets.suspend(
            transaction, target_id, "target.held", keep(Rejected("target.held", actor=actor)), context.clock()
        )
        _note(context, transaction, actor, "target.suspend", target_id, reason, "suspended")


def _note(
    context: Context, transaction: Transaction, actor: str, act: str, object_id: str, reason: str, outcome: str
) -> None:
    audit.record(transaction, Act(context.clock(), actor, act, object_id, reason, outcome))
