"""What a person does to batches (人工操作): each batch in a transaction of its own, with its history and audit rows.

A run that is cut off has done some of them; the same command again finds these moved on and skips them. Above
``settings.second_person_above`` batches, and always to settle a dispute, a second person confirms what the first asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from gateway.crypto.digest import sm3_hex
from gateway.domain.batch import BatchState, next_state
from gateway.domain.batch_act import FITS, BatchAct, act_event, obstacle
from gateway.errors import GatewayError, Rejected
from gateway.messages import keep
from gateway.national.target import load_target
from gateway.stages.context import Context
from gateway.stages.refused import divide
from gateway.store import (
    Transaction,
    approvals,
    audit,
    batch_ids,
    batches,
    bodies,
    deliveries,
    outbox,
    utc_naive,
    voids,
)
from gateway.store.audit import Act
from gateway.store.batch_ids import BatchFilter
from gateway.store.batches import BatchRow

HELD: Final = "batch.held"  # an operator's own hold: only an operator lifts it
CANCELLED: Final = "batch.cancelled"
LEAST_PARTS, MOST_PARTS = 2, 100
Result = Literal["done", "would", "skipped", "refused", "failed"]
Pause = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done. ``parts``: of a split; ``body``: the original bytes, for a restore; ``rate``: batches a
    second, 0 as fast as it goes."""

    act: BatchAct
    actor: str
    reason: str
    parts: int = LEAST_PARTS
    body: bytes | None = None
    rate: float = 0.0
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """One batch: ``done``, ``would`` (dry run), ``skipped`` (nothing to do in its state), ``refused``, ``failed``."""

    batch_id: str
    seq: int | None
    result: Result
    state: str | None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class ActReport:
    """What came of an order. ``approval_id``: nothing was done yet, a second person must confirm it."""

    act: BatchAct
    dry_run: bool
    outcomes: tuple[Outcome, ...]
    approval_id: str | None = None

    @property
    def done(self) -> int:
        """How many were done, or would be."""
        return sum(outcome.result in ("done", "would") for outcome in self.outcomes)

    @property
    def complete(self) -> bool:
        """Whether every batch was done."""
        return self.approval_id is None and self.done == len(self.outcomes)


def person_and_reason(actor: str, reason: str) -> None:
    """``Rejected('act.reason_missing')`` unless somebody acts, and says why."""
    if not actor.strip() or not reason.strip():
        raise Rejected("act.reason_missing")


def choose(context: Context, wanted: BatchFilter, act: BatchAct) -> list[str]:
    """Ids of the batches meant, as they stand now; without states, those that the act can find."""
    if not wanted.states:
        wanted = wanted._replace(states=tuple(FITS[act].states))
    with context.store.read() as transaction:
        return batch_ids.ids_where(transaction, wanted)


def act_on(context: Context, order: Order, batch_ids: Sequence[str], pause: Pause = time.sleep) -> ActReport:
    """Do it to every batch, or freeze it for a second person. A dry run says what would come of it.

    Raises ``Rejected``: ``act.reason_missing``, ``batch.parts_invalid``.
    """
    if not LEAST_PARTS <= order.parts <= MOST_PARTS:
        raise Rejected("batch.parts_invalid", parts=order.parts, most=MOST_PARTS)
    rehearsed = tuple(_rehearse(context, order, batch_id) for batch_id in batch_ids)
    if order.dry_run:
        return ActReport(order.act, True, rehearsed)
    person_and_reason(order.actor, order.reason)
    fitting = [outcome.batch_id for outcome in rehearsed if outcome.result == "would"]
    if fitting and (FITS[order.act].two or len(fitting) > context.settings.second_person_above):
        return ActReport(order.act, False, rehearsed, _ask_second(context, order, fitting))
    return ActReport(order.act, False, do_all(context, order, batch_ids, pause))


def act_on_one(context: Context, order: Order, batch_id: str) -> Outcome:
    """The act on one batch that needs no second person, in one transaction.

    Raises what stands in the way, as ``Rejected``: ``batch.unknown``, ``batch.not_retriable``, ``batch.act_unfit``,
    ``batch.maybe_sent``, ``batch.bytes_differ``; ``Transient('batch.stale')`` when the batch moved meanwhile.
    """
    person_and_reason(order.actor, order.reason)
    with context.store.begin() as transaction:
        row = batches.lock_batch(transaction, batch_id)
        if row is None:
            raise Rejected("batch.unknown", batch=batch_id)
        why = obstacle(order.act, row.state, row.maybe_sent)
        if why is not None:
            raise Rejected(why, batch=batch_id, state=str(row.state), act=str(order.act))
        to = _step(context, transaction, row, order)
        note(context, transaction, order.actor, f"batch.{order.act}", batch_id, order.reason, str(to))
    return Outcome(batch_id, row.seq, "done", str(to))


def _ask_second(context: Context, order: Order, batch_ids: Sequence[str]) -> str:
    details: dict[str, Any] = {"rate": order.rate, "parts": order.parts}
    with context.store.begin() as transaction:
        approval_id = approvals.ask(
            transaction, order.act, batch_ids, details, order.reason, order.actor, context.clock()
        )
        outcome = f"batches={len(batch_ids)}"
        note(context, transaction, order.actor, f"batch.{order.act}.ask", approval_id, order.reason, outcome)
    return approval_id


def do_all(context: Context, order: Order, batch_ids: Sequence[str], pause: Pause) -> tuple[Outcome, ...]:
    """The order, on one batch after the other; what hinders one hinders no other."""
    outcomes = []
    for number, batch_id in enumerate(batch_ids):
        if number and order.rate:
            pause(1 / order.rate)
        try:
            outcomes.append(act_on_one(context, order, batch_id))
        except GatewayError as error:
            outcomes.append(_not_done(context, batch_id, error.code))
    return tuple(outcomes)


def _step(context: Context, transaction: Transaction, row: BatchRow, order: Order) -> BatchState:
    changes: dict[str, Any] = {}
    match order.act:
        case BatchAct.RETRY | BatchAct.RESUME:
            changes = _fresh_window(context, row)
        case BatchAct.SUSPEND:
            told = keep(Rejected(HELD, actor=order.actor))
            changes = {"failure_class": None, "failure_code": HELD, "failure_detail": told}
        case BatchAct.RESTORE:
            _put_back(transaction, row, order.body)
            changes = _fresh_window(context, row)
        case BatchAct.CANCEL:
            _give_back(context, transaction, row)
        case BatchAct.SPLIT:
            _owe_void(context, transaction, row)
            divide(transaction, row, order.parts, context.clock())
        case BatchAct.RESOLVE:
            pass
    event = act_event(order.act, row.state, row.maybe_sent)
    return batches.step(transaction, row, event, context.clock(), order.actor, detail=order.reason, changes=changes)


def _fresh_window(context: Context, row: BatchRow) -> dict[str, Any]:
    """A batch that a person lets go begins its retry window anew, after a failure with all its attempts."""
    window: dict[str, Any] = {"window_started_at": utc_naive(context.clock())}
    return window | ({"attempts": 0} if row.state is BatchState.FAILED else {})


def _original(transaction: Transaction, row: BatchRow, body: bytes | None) -> bool:
    """Whether the bytes given, or back in their place by other means, are those that were sealed."""
    found = bodies.read(transaction, row.batch_id) if body is None else body
    return sm3_hex(found) == row.body_digest


def _put_back(transaction: Transaction, row: BatchRow, body: bytes | None) -> None:
    """The original bytes, never other ones."""
    if not _original(transaction, row, body):
        raise Rejected("batch.bytes_differ", batch=row.batch_id, digest=row.body_digest)
    if body is not None:
        bodies.replace(transaction, row.batch_id, body)


def _give_back(context: Context, transaction: Transaction, row: BatchRow) -> None:
    """A cancelled batch's records go again in later batches, their versions as they are (delivery.md section 2)."""
    _owe_void(context, transaction, row)
    positions = deliveries.positions(transaction, row.batch_id)
    outbox.hold(transaction, row.target_id, positions, outbox.RELEASED, context.clock())


def _owe_void(context: Context, transaction: Transaction, row: BatchRow) -> None:
    if load_target(context.settings.targets_dir, row.target_id).numbered:
        place = (row.target_id, row.stream, row.seq, row.header_digest)
        voids.owe(transaction, row.batch_id, *place, CANCELLED, context.clock())


def _rehearse(context: Context, order: Order, batch_id: str) -> Outcome:
    act = order.act
    with context.store.read() as transaction:
        row = batches.read_batch(transaction, batch_id)
        if row is None:
            return Outcome(batch_id, None, "refused", None, "batch.unknown")
        why = obstacle(act, row.state, row.maybe_sent)
        if why is None and act is BatchAct.RESTORE and not _original(transaction, row, order.body):
            why = "batch.bytes_differ"
    if why is not None:
        return _not_done(context, batch_id, why)
    to = next_state(row.state, act_event(act, row.state, row.maybe_sent))
    return Outcome(batch_id, row.seq, "would", str(to))


def _not_done(context: Context, batch_id: str, code: str) -> Outcome:
    """``skipped``: its state leaves nothing to do; ``refused``: it must not be; ``failed``: it may work again."""
    with context.store.read() as transaction:
        row = batches.read_batch(transaction, batch_id)
    results: dict[str, Result] = {
        "batch.not_retriable": "skipped",
        "batch.act_unfit": "skipped",
        "batch.stale": "failed",
        "store.busy": "failed",
        "store.unreachable": "failed",
    }
    seq, state = (None, None) if row is None else (row.seq, str(row.state))
    return Outcome(batch_id, seq, results.get(code, "refused"), state, code)


def note(
    context: Context, transaction: Transaction, actor: str, act: str, object_id: str, reason: str, outcome: str
) -> None:
    """A row of the audit."""
    audit.record(transaction, Act(context.clock(), actor, act, object_id, reason, outcome))
