"""Why a send did not end in a receipt, by what it means (失败类别; delivery.md section 5)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from gateway.domain.batch import BatchEvent


class FailureClass(StrEnum):
    """The classes of section 5 that a send, or a status query, can end in."""

    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"
    THROTTLED = "THROTTLED"
    SERVER = "SERVER"
    CREDENTIAL = "CREDENTIAL"
    CLOCK_SKEW = "CLOCK_SKEW"
    PERMANENT = "PERMANENT"
    CONFLICT = "CONFLICT"
    BAD_RECEIPT = "BAD_RECEIPT"
    HELD = "HELD"  # a receiver of single records does not see a parent yet that it has accepted
    UNDECIDED = "UNDECIDED"  # a record is in doubt, and the receiver would count a repeat twice


class Consequence(NamedTuple):
    """What follows from a class.

    ``not_applied``: proof that this attempt left nothing at the platform. ``suspends_target``: nothing else may go
    there either. ``counts_for_breaker``: the platform, not the batch, is in trouble.
    """

    event: BatchEvent
    attempt: int
    not_applied: bool
    suspends_target: bool
    counts_for_breaker: bool


class Owner(StrEnum):
    """Who must act on a failure, or on a batch that stands still (section 5, "who"; section 1, "acts next")."""

    MACHINE = "machine"
    PLATFORM = "platform"
    OPERATOR = "operator"
    KEY_OWNER = "key_owner"
    OPERATIONS = "operations"
    STEWARD = "steward"
    OPERATOR_AND_PLATFORM = "operator_and_platform"


OWNERS: Final[dict[FailureClass, Owner]] = {
    FailureClass.NOT_SENT: Owner.MACHINE,
    FailureClass.UNKNOWN: Owner.MACHINE,
    FailureClass.THROTTLED: Owner.MACHINE,
    FailureClass.SERVER: Owner.PLATFORM,
    FailureClass.CREDENTIAL: Owner.KEY_OWNER,
    FailureClass.CLOCK_SKEW: Owner.OPERATIONS,
    FailureClass.PERMANENT: Owner.STEWARD,
    FailureClass.CONFLICT: Owner.OPERATOR,
    FailureClass.BAD_RECEIPT: Owner.OPERATOR_AND_PLATFORM,
    FailureClass.HELD: Owner.MACHINE,
    FailureClass.UNDECIDED: Owner.OPERATOR,
}

_E = BatchEvent
CONSEQUENCES: Final[dict[FailureClass, Consequence]] = {
    FailureClass.NOT_SENT: Consequence(_E.RETRIABLE, 1, True, False, True),
    FailureClass.UNKNOWN: Consequence(_E.LOST, 1, False, False, True),
    FailureClass.THROTTLED: Consequence(_E.RETRIABLE, 1, True, False, True),
    FailureClass.SERVER: Consequence(_E.RETRIABLE, 1, False, False, True),
    FailureClass.CREDENTIAL: Consequence(_E.SUSPENDED, 0, True, True, False),
    FailureClass.CLOCK_SKEW: Consequence(_E.SUSPENDED, 0, True, True, False),
    FailureClass.PERMANENT: Consequence(_E.REFUSED, 1, True, False, False),
    FailureClass.CONFLICT: Consequence(_E.SUSPENDED, 0, True, False, False),
    FailureClass.BAD_RECEIPT: Consequence(_E.SUSPENDED, 0, False, True, False),
    FailureClass.HELD: Consequence(_E.RETRIABLE, 1, False, False, False),
    FailureClass.UNDECIDED: Consequence(_E.SUSPENDED, 0, False, False, False),
}
SUSPENDS_WHEN_ASKED: Final = frozenset({FailureClass.BAD_RECEIPT, FailureClass.UNDECIDED})

REFUSALS: Final[dict[str, FailureClass]] = {
    "auth.signature": FailureClass.CREDENTIAL,
    "auth.nonce": FailureClass.CREDENTIAL,
    "auth.sender": FailureClass.CREDENTIAL,
    "auth.time": FailureClass.CLOCK_SKEW,
    "batch.signature": FailureClass.CREDENTIAL,
    "batch.suite": FailureClass.CREDENTIAL,
    "batch.recipient": FailureClass.CREDENTIAL,
    "batch.decrypt": FailureClass.CREDENTIAL,
    "batch.transfer": FailureClass.NOT_SENT,
    "batch.conflict": FailureClass.CONFLICT,
    "batch.sequence": FailureClass.CONFLICT,
    "batch.malformed": FailureClass.PERMANENT,
    "batch.digest": FailureClass.PERMANENT,
    "batch.too_large": FailureClass.PERMANENT,
}


def refusal_class(code: str, *, expires_ahead: bool) -> FailureClass | None:
    """The class of a refusal ``code``; none when the code is not one of the interface's.

    ``expires_ahead``: the envelope's expiry still lies ahead by our clock, so ``batch.expired`` speaks of clocks.
    """
    if code == "batch.expired":
        return FailureClass.CLOCK_SKEW if expires_ahead else FailureClass.PERMANENT
    if code.startswith("auth."):
        return REFUSALS.get(code, FailureClass.CREDENTIAL)
    return REFUSALS.get(code)
