"""The work-order machine (工单), as data: closed-loop.md sections 3 and 4.

The evaluation is an immutable fact; the order is a process about it. No event changes the rating. Overdue is computed
from ``due_at``, never a state.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from gateway.errors import Rejected


class State(StrEnum):
    """List ``work_order_status``; the value is the code that is stored and sent."""

    PENDING_CORRECTION = "05"
    PENDING_DISPATCH = "10"
    DISPATCHING_UNKNOWN = "11"
    PENDING_SIGN_FOR = "15"
    HANDLING = "20"
    RETURN_UNDER_REVIEW = "21"
    REPLY_UNDER_REVIEW = "30"
    REPLY_REJECTED = "31"
    PENDING_REVISIT = "35"
    SATISFIED = "40"
    REWORK_REQUIRED = "41"
    UNREACHABLE = "42"
    NOT_UPHELD = "45"
    ARCHIVED = "90"
    MERGED = "91"
    VOIDED = "92"


class Event(StrEnum):
    """What can happen to an order and changes its state, or (``dispatch_unknown``) confirms it."""

    NEGATIVE_RECEIVED = "negative_received"
    CORRECT = "correct"
    CORRECTION_NEEDED = "correction_needed"
    VOID = "void"
    DISPATCH_START = "dispatch_start"
    DISPATCH_CONFIRMED = "dispatch_confirmed"
    DISPATCH_UNKNOWN = "dispatch_unknown"
    DISPATCH_REFUSED = "dispatch_refused"
    SUB_DISPATCH = "sub_dispatch"
    SIGN_FOR = "sign_for"
    RETURN_REQUEST = "return_request"
    RETURN_APPROVE = "return_approve"
    RETURN_REFUSE = "return_refuse"
    REPLY = "reply"
    REPLY_ACCEPT = "reply_accept"
    REPLY_REJECT = "reply_reject"
    RESUME = "resume"
    REVISIT_SATISFIED = "revisit_satisfied"
    REVISIT_DISSATISFIED = "revisit_dissatisfied"
    REVISIT_FAILED = "revisit_failed"
    REWORK = "rework"
    REWORK_ORDERED = "rework_ordered"
    CLOSE_UNRESOLVED = "close_unresolved"
    APPEAL_UPHELD = "appeal_upheld"
    MERGE = "merge"
    UNMERGE = "unmerge"
    ARCHIVE = "archive"
    REMOTE_STATUS = "remote_status"


class Face(NamedTuple):
    """How a state is shown, and who must act next (none: nobody)."""

    name: str
    next_actor: str | None


S, E = State, Event

FACES: Mapping[State, Face] = MappingProxyType(
    {
        S.PENDING_CORRECTION: Face("待补正", "dispatcher"),
        S.PENDING_DISPATCH: Face("待派发", "system"),
        S.DISPATCHING_UNKNOWN: Face("派发中(结果未知)", "system"),
        S.PENDING_SIGN_FOR: Face("待签收", "unit_handler"),
        S.HANDLING: Face("办理中", "unit_handler"),
        S.RETURN_UNDER_REVIEW: Face("退单待审", "dispatcher"),
        S.REPLY_UNDER_REVIEW: Face("已回复待审核", "dispatcher"),
        S.REPLY_REJECTED: Face("回复退回", "unit_handler"),
        S.PENDING_REVISIT: Face("待回访", "revisitor"),
        S.SATISFIED: Face("满意", "system"),
        S.REWORK_REQUIRED: Face("不满意重办", "authority"),
        S.UNREACHABLE: Face("无法回访", "system"),
        S.NOT_UPHELD: Face("不予认定", "system"),
        S.ARCHIVED: Face("归档", None),
        S.MERGED: Face("并单", None),
        S.VOIDED: Face("误建作废", None),
    }
)

ACTORS: Mapping[str, str] = MappingProxyType(
    {
        "dispatcher": "派单员",
        "unit_handler": "承办人",
        "authority": "管理机构",
        "revisitor": "回访员",
        "system": "系统",
    }
)

# An order is born in one of these by negative_received: 05 if no responsible unit was found.
BORN = frozenset({S.PENDING_DISPATCH, S.PENDING_CORRECTION})
TERMINAL = frozenset({S.ARCHIVED, S.VOIDED})

TRANSITIONS: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (S.PENDING_CORRECTION, E.CORRECT): S.PENDING_DISPATCH,
        (S.PENDING_CORRECTION, E.VOID): S.VOIDED,
        (S.PENDING_CORRECTION, E.MERGE): S.MERGED,
        (S.PENDING_DISPATCH, E.CORRECTION_NEEDED): S.PENDING_CORRECTION,
        (S.PENDING_DISPATCH, E.VOID): S.VOIDED,
        (S.PENDING_DISPATCH, E.DISPATCH_START): S.DISPATCHING_UNKNOWN,
        (S.PENDING_DISPATCH, E.MERGE): S.MERGED,
        (S.DISPATCHING_UNKNOWN, E.DISPATCH_CONFIRMED): S.PENDING_SIGN_FOR,
        (S.DISPATCHING_UNKNOWN, E.DISPATCH_UNKNOWN): S.DISPATCHING_UNKNOWN,
        (S.DISPATCHING_UNKNOWN, E.DISPATCH_REFUSED): S.PENDING_DISPATCH,
        (S.PENDING_SIGN_FOR, E.SUB_DISPATCH): S.PENDING_SIGN_FOR,
        (S.PENDING_SIGN_FOR, E.SIGN_FOR): S.HANDLING,
        (S.PENDING_SIGN_FOR, E.RETURN_REQUEST): S.RETURN_UNDER_REVIEW,
        (S.PENDING_SIGN_FOR, E.APPEAL_UPHELD): S.NOT_UPHELD,
        (S.PENDING_SIGN_FOR, E.MERGE): S.MERGED,
        (S.HANDLING, E.SUB_DISPATCH): S.PENDING_SIGN_FOR,
        (S.HANDLING, E.RETURN_REQUEST): S.RETURN_UNDER_REVIEW,
        (S.HANDLING, E.REPLY): S.REPLY_UNDER_REVIEW,
        (S.HANDLING, E.APPEAL_UPHELD): S.NOT_UPHELD,
        (S.HANDLING, E.MERGE): S.MERGED,
        (S.RETURN_UNDER_REVIEW, E.RETURN_APPROVE): S.PENDING_DISPATCH,
        (S.RETURN_UNDER_REVIEW, E.RETURN_REFUSE): S.HANDLING,
        (S.REPLY_UNDER_REVIEW, E.REPLY_ACCEPT): S.PENDING_REVISIT,
        (S.REPLY_UNDER_REVIEW, E.REPLY_REJECT): S.REPLY_REJECTED,
        (S.REPLY_UNDER_REVIEW, E.APPEAL_UPHELD): S.NOT_UPHELD,
        (S.REPLY_REJECTED, E.RESUME): S.HANDLING,
        (S.PENDING_REVISIT, E.REVISIT_SATISFIED): S.SATISFIED,
        (S.PENDING_REVISIT, E.REVISIT_DISSATISFIED): S.REWORK_REQUIRED,
        (S.PENDING_REVISIT, E.REVISIT_FAILED): S.UNREACHABLE,
        (S.PENDING_REVISIT, E.APPEAL_UPHELD): S.NOT_UPHELD,
        (S.UNREACHABLE, E.REVISIT_SATISFIED): S.SATISFIED,
        (S.UNREACHABLE, E.REVISIT_DISSATISFIED): S.REWORK_REQUIRED,
        (S.UNREACHABLE, E.ARCHIVE): S.ARCHIVED,
        (S.SATISFIED, E.ARCHIVE): S.ARCHIVED,
        (S.NOT_UPHELD, E.ARCHIVE): S.ARCHIVED,
        (S.REWORK_REQUIRED, E.REWORK): S.PENDING_SIGN_FOR,
        (S.REWORK_REQUIRED, E.REWORK_ORDERED): S.PENDING_SIGN_FOR,
        (S.REWORK_REQUIRED, E.CLOSE_UNRESOLVED): S.ARCHIVED,
        (S.MERGED, E.UNMERGE): S.PENDING_DISPATCH,
    }
)

# remote_status may move an order between these, skipping states: 12345 reports where it stands, not every step.
HELD_BY_HOTLINE = frozenset(
    {
        S.PENDING_SIGN_FOR,
        S.HANDLING,
        S.RETURN_UNDER_REVIEW,
        S.REPLY_UNDER_REVIEW,
        S.REPLY_REJECTED,
        S.PENDING_REVISIT,
        S.SATISFIED,
        S.REWORK_REQUIRED,
        S.UNREACHABLE,
        S.NOT_UPHELD,
    }
)
REMOTE_TARGETS = HELD_BY_HOTLINE | {S.ARCHIVED}


def advance(state: State | str, event: Event | str, to: State | str | None = None) -> State:
    """The state after ``event``. ``to`` is needed for ``remote_status`` alone, which carries the mapped state.

    Raises ``Rejected('order.illegal_transition')``; nothing else moves an order.
    """
    if event == E.REMOTE_STATUS:
        if to is not None and State(state) in HELD_BY_HOTLINE and State(to) in REMOTE_TARGETS:
            return State(to)
    else:
        found = TRANSITIONS.get((State(state), Event(event)))
        if found is not None and to in (None, found):
            return found
    raise Rejected("order.illegal_transition", state=str(state), event=str(event), to=str(to or ""))


def is_overdue(state: State | str, due_at: datetime, now: datetime) -> bool:
    """超期: past its time and not archived, merged or voided. Both moments of one kind, aware or naive."""
    return State(state) not in TERMINAL | {S.MERGED} and now > due_at
