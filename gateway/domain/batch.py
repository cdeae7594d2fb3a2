"""The life of a sealed batch (批次): states, who acts next, and the whole table ``(state, event) -> state``.

Pure data and pure functions. The store applies a step as one guarded ``UPDATE`` plus one history row (I1); guards that
need the clock or ``maybe_sent`` choose the event, never the state.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.errors import Bug


class BatchState(StrEnum):
    """Every state a batch can be in (delivery.md section 1)."""

    DRAFT = "DRAFT"
    SEALED = "SEALED"
    QUEUED = "QUEUED"
    SENDING = "SENDING"
    AWAITING_RECEIPT = "AWAITING_RECEIPT"
    UNCERTAIN = "UNCERTAIN"
    RETRY_WAIT = "RETRY_WAIT"
    SUSPENDED = "SUSPENDED"
    INTERRUPTED = "INTERRUPTED"
    FAILED = "FAILED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    PARTIALLY_ACCEPTED = "PARTIALLY_ACCEPTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    DISPUTED = "DISPUTED"
    RECONCILED = "RECONCILED"
    PURGED = "PURGED"


class Stage(NamedTuple):
    """What a state means to people: ``rank`` never falls along a history (I4); ``sla`` is how long it may last."""

    rank: int
    name: str
    acts_next: str
    person: bool
    sla: timedelta | None


class BatchEvent(StrEnum):
    """What can happen to a batch. ``…_UNPROVEN`` is the same act on a batch that may have reached the platform."""

    BUILT = "built"
    SEALED = "sealed"
    QUEUED = "queued"
    CLAIMED = "claimed"
    RECEIPT_ACCEPTED = "receipt.accepted"
    RECEIPT_PARTIAL = "receipt.partial"
    RECEIPT_REJECTED = "receipt.rejected"
    RECEIPT_CONTRADICTS = "receipt.contradicts"
    TAKEN = "taken"
    RETRIABLE = "retriable"
    LOST = "lost"
    LEASE_LAPSED_UNSENT = "lease_lapsed.unsent"
    REFUSED = "refused"
    SUSPENDED = "suspended"
    DUE = "due"
    EXHAUSTED = "exhausted"
    UNKNOWN_THERE = "unknown_there"
    RECEIPT_OVERDUE = "receipt_overdue"
    RESUMED = "resumed"
    RESUMED_UNPROVEN = "resumed.unproven"
    DAMAGED = "damaged"
    RESTORED = "restored"
    RESTORED_UNPROVEN = "restored.unproven"
    RETRIED = "retried"
    RETRIED_UNPROVEN = "retried.unproven"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    RECONCILED = "reconciled"
    DISPUTED = "disputed"
    LISTED_THERE = "listed_there"
    RESOLVED = "resolved"
    PURGED = "purged"


S: Final = BatchState
E: Final = BatchEvent
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

STAGES: Final[dict[BatchState, Stage]] = {
    S.DRAFT: Stage(0, "草稿", "batch builder", False, 15 * _MINUTE),
    S.SEALED: Stage(1, "已封包", "scheduler", False, 5 * _MINUTE),
    S.QUEUED: Stage(2, "待发送", "dispatcher", False, 5 * _MINUTE),
    S.SENDING: Stage(2, "发送中", "lease holder", False, _MINUTE),
    S.AWAITING_RECEIPT: Stage(2, "待回执", "platform", False, 20 * _MINUTE),
    S.UNCERTAIN: Stage(2, "结果待确认", "status checker", False, 15 * _MINUTE),
    S.RETRY_WAIT: Stage(2, "待重试", "scheduler", False, 5 * _MINUTE),
    S.SUSPENDED: Stage(2, "已挂起", "owner of the named cause", True, 4 * _HOUR),
    S.INTERRUPTED: Stage(2, "已中断", "operator", True, _DAY),
    S.FAILED: Stage(2, "发送失败", "operator", True, _DAY),
    S.ACKNOWLEDGED: Stage(3, "已确认", "reconciler", False, 36 * _HOUR),
    S.PARTIALLY_ACCEPTED: Stage(3, "部分接收", "reconciler, data steward", False, 36 * _HOUR),
    S.REJECTED: Stage(3, "已拒收", "data steward", True, 3 * _DAY),
    S.EXPIRED: Stage(3, "已过期", "originator", True, 7 * _DAY),
    S.CANCELLED: Stage(3, "已取消", "archiver", False, 7 * _DAY),
    S.DISPUTED: Stage(4, "对账不符", "operator and platform", True, 3 * _DAY),
    S.RECONCILED: Stage(5, "已对账", "archiver", False, 7 * _DAY),
    S.PURGED: Stage(6, "已清除", "nobody", False, None),
}

SETTLED: Final = frozenset({S.RECONCILED, S.REJECTED, S.EXPIRED, S.CANCELLED, S.PURGED})
RECEIPTED: Final = frozenset({S.ACKNOWLEDGED, S.PARTIALLY_ACCEPTED, S.DISPUTED, S.RECONCILED})
OPEN: Final = frozenset(state for state, stage in STAGES.items() if stage.rank < 3)

_ON_THE_WAY = (
    S.QUEUED,
    S.SENDING,
    S.AWAITING_RECEIPT,
    S.UNCERTAIN,
    S.RETRY_WAIT,
    S.SUSPENDED,
    S.INTERRUPTED,
    S.FAILED,
)


Steps = dict[tuple[BatchState | None, BatchEvent], BatchState]


def _steps(states: tuple[BatchState, ...], event: BatchEvent, to: BatchState) -> Steps:
    return {(state, event): to for state in states}


TABLE: Final[Steps] = {
    (None, E.BUILT): S.DRAFT,  # 1
    (S.DRAFT, E.SEALED): S.SEALED,  # 2
    (S.SEALED, E.QUEUED): S.QUEUED,  # 3
    (S.QUEUED, E.CLAIMED): S.SENDING,  # 4
    **_steps(_ON_THE_WAY, E.RECEIPT_ACCEPTED, S.ACKNOWLEDGED),  # 5, 14, 16, 24: a receipt beats a timer (I5)
    **_steps(_ON_THE_WAY, E.RECEIPT_PARTIAL, S.PARTIALLY_ACCEPTED),
    **_steps(_ON_THE_WAY, E.RECEIPT_REJECTED, S.REJECTED),
    **_steps((S.SENDING, S.UNCERTAIN), E.TAKEN, S.AWAITING_RECEIPT),  # 6, 14
    (S.SENDING, E.RETRIABLE): S.RETRY_WAIT,  # 7
    (S.SENDING, E.LOST): S.UNCERTAIN,  # 8, and 10 while an earlier attempt is unproven
    (S.SENDING, E.LEASE_LAPSED_UNSENT): S.QUEUED,  # 9
    (S.SENDING, E.REFUSED): S.REJECTED,  # 10
    **_steps(
        (S.SENDING, S.AWAITING_RECEIPT, S.QUEUED, S.RETRY_WAIT, S.UNCERTAIN), E.SUSPENDED, S.SUSPENDED
    ),  # 11, 18, 19
    (S.RETRY_WAIT, E.DUE): S.QUEUED,  # 12
    **_steps((S.QUEUED, S.RETRY_WAIT, S.UNCERTAIN), E.EXHAUSTED, S.FAILED),  # 13
    (S.UNCERTAIN, E.UNKNOWN_THERE): S.QUEUED,  # 15
    (S.AWAITING_RECEIPT, E.RECEIPT_OVERDUE): S.UNCERTAIN,  # 17
    (S.SUSPENDED, E.RESUMED): S.QUEUED,  # 20
    (S.SUSPENDED, E.RESUMED_UNPROVEN): S.UNCERTAIN,
    **_steps((S.SEALED, S.QUEUED, S.RETRY_WAIT, S.UNCERTAIN, S.SUSPENDED, S.FAILED), E.DAMAGED, S.INTERRUPTED),  # 21
    (S.INTERRUPTED, E.RESTORED): S.QUEUED,  # 22
    (S.INTERRUPTED, E.RESTORED_UNPROVEN): S.UNCERTAIN,
    **_steps((S.DRAFT, S.SEALED, S.QUEUED, S.SUSPENDED, S.FAILED, S.INTERRUPTED), E.CANCELLED, S.CANCELLED),  # 23, 27
    (S.FAILED, E.RETRIED): S.QUEUED,  # 25
    (S.FAILED, E.RETRIED_UNPROVEN): S.UNCERTAIN,
    **_steps((S.QUEUED, S.RETRY_WAIT, S.SUSPENDED, S.FAILED), E.EXPIRED, S.EXPIRED),  # 26
    **_steps((S.ACKNOWLEDGED, S.PARTIALLY_ACCEPTED), E.RECONCILED, S.RECONCILED),  # 28
    **_steps((S.ACKNOWLEDGED, S.PARTIALLY_ACCEPTED), E.DISPUTED, S.DISPUTED),
    **_steps((S.ACKNOWLEDGED, S.PARTIALLY_ACCEPTED), E.RECEIPT_CONTRADICTS, S.DISPUTED),
    **_steps((S.REJECTED, S.EXPIRED, S.CANCELLED), E.RECEIPT_ACCEPTED, S.DISPUTED),  # 29
    **_steps((S.REJECTED, S.EXPIRED, S.CANCELLED), E.RECEIPT_PARTIAL, S.DISPUTED),
    **_steps((S.REJECTED, S.EXPIRED, S.CANCELLED), E.LISTED_THERE, S.DISPUTED),
    (S.DISPUTED, E.RESOLVED): S.RECONCILED,  # 30
    **_steps((S.RECONCILED, S.REJECTED, S.EXPIRED, S.CANCELLED), E.PURGED, S.PURGED),  # 31
}

BY_A_PERSON: Final = frozenset(
    {E.RESTORED, E.RESTORED_UNPROVEN, E.RETRIED, E.RETRIED_UNPROVEN, E.CANCELLED, E.RESOLVED}
)
LET_GO: Final = frozenset({E.RESUMED, E.RESUMED_UNPROVEN, E.RESTORED, E.RESTORED_UNPROVEN})  # the cause is gone


def possible(state: BatchState | None, event: BatchEvent) -> bool:
    """Whether ``event`` means anything to a batch in ``state``; a timer after a receipt does not."""
    return (state, event) in TABLE


def next_state(state: BatchState | None, event: BatchEvent) -> BatchState:
    """The state after ``event``; ``Bug('batch.step_impossible')`` where the table has no such step."""
    try:
        return TABLE[(state, event)]
    except KeyError:
        raise Bug("batch.step_impossible", state=str(state), event=str(event)) from None


def receipt_event(accepted: int, duplicates: int, rejected: int) -> BatchEvent:
    """What a valid receipt's counts say. Delivered = accepted or already held (duplicate)."""
    if rejected == 0:
        return E.RECEIPT_ACCEPTED
    return E.RECEIPT_PARTIAL if accepted + duplicates else E.RECEIPT_REJECTED


def resume_event(state: BatchState, maybe_sent: bool) -> BatchEvent:
    """How a parked batch goes on: ask first while some attempt may have reached the platform (rows 20, 22, 25, 12)."""
    plain, unproven = {
        S.SUSPENDED: (E.RESUMED, E.RESUMED_UNPROVEN),
        S.INTERRUPTED: (E.RESTORED, E.RESTORED_UNPROVEN),
        S.FAILED: (E.RETRIED, E.RETRIED_UNPROVEN),
        S.RETRY_WAIT: (E.DUE, E.DUE),
    }.get(state, (E.RETRIED, E.RETRIED))
    return unproven if maybe_sent else plain
