"""What a person may do to a batch (人工操作): in which states, and what must be proven first. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.domain.batch import BatchEvent, BatchState, resume_event

OUT_OF_TIME: Final = "batch.expired"  # the platform's word for a batch that is too old, or from the future


class BatchAct(StrEnum):
    """Acts on batches, as commands and buttons name them."""

    RETRY = "retry"
    SUSPEND = "suspend"
    RESUME = "resume"
    CANCEL = "cancel"
    SPLIT = "split"
    RESTORE = "restore"
    RESOLVE = "resolve"


class Fit(NamedTuple):
    """The states that an act may find. ``proven``: never while the platform may have the batch (M16).

    ``two``: always needs a second person, however few the batches (row 30).
    """

    states: frozenset[BatchState]
    proven: bool = False
    two: bool = False


_S = BatchState
_UNSENT = frozenset({_S.DRAFT, _S.SEALED, _S.QUEUED, _S.SUSPENDED, _S.FAILED, _S.INTERRUPTED})
FITS: Final[dict[BatchAct, Fit]] = {
    BatchAct.RETRY: Fit(frozenset({_S.FAILED, _S.SUSPENDED, _S.RETRY_WAIT})),  # 25, 20, 12
    BatchAct.SUSPEND: Fit(frozenset({_S.QUEUED, _S.RETRY_WAIT, _S.UNCERTAIN})),  # 19
    BatchAct.RESUME: Fit(frozenset({_S.SUSPENDED})),  # 20
    BatchAct.CANCEL: Fit(_UNSENT, proven=True),  # 23, 27
    BatchAct.SPLIT: Fit(_UNSENT, proven=True),
    BatchAct.RESTORE: Fit(frozenset({_S.INTERRUPTED})),  # 22
    BatchAct.RESOLVE: Fit(frozenset({_S.DISPUTED}), two=True),  # 30
}
_EVENTS: Final = {
    BatchAct.SUSPEND: BatchEvent.SUSPENDED,
    BatchAct.CANCEL: BatchEvent.CANCELLED,
    BatchAct.SPLIT: BatchEvent.CANCELLED,
    BatchAct.RESOLVE: BatchEvent.RESOLVED,
}


def obstacle(act: BatchAct, state: BatchState, maybe_sent: bool) -> str | None:
    """Why ``act`` can't be done to a batch, as a code: ``batch.act_unfit``, ``batch.maybe_sent``; none: it can."""
    fit = FITS[act]
    if state not in fit.states:
        return "batch.not_retriable" if act is BatchAct.RETRY else "batch.act_unfit"
    return "batch.maybe_sent" if fit.proven and maybe_sent else None


def untimely(failure_code: str | None, created_at: datetime, now: datetime) -> bool:
    """Whether the platform refuses a batch since its time has not come: it was sealed by a clock that ran ahead."""
    return failure_code == OUT_OF_TIME and created_at > now


def possible_acts(state: BatchState, maybe_sent: bool) -> list[BatchAct]:
    """What a person may do to a batch now."""
    return [act for act in BatchAct if obstacle(act, state, maybe_sent) is None]


def act_event(act: BatchAct, state: BatchState, maybe_sent: bool) -> BatchEvent:
    """What ``act`` means to the batch's machine; one that lets it go on asks first where it may have arrived."""
    return _EVENTS.get(act) or resume_event(state, maybe_sent)
