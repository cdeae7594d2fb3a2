"""Is the target ready (对端检查): keys, call, the platform's keys, and the sequence on both sides. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.domain.moments import shanghai_text
from gateway.errors import GatewayError, Misconfigured, Rejected, Transient
from gateway.stages.context import Context
from gateway.stages.delivery import Delivery, open_delivery
from gateway.store import batch_ids, streams, targets, voids

NO_CALL = "profile.no_call"
SHOWN = 20  # numbers of a list


@dataclass(frozen=True, slots=True)
class Checked:
    """One question and its answer; ``error`` says what is wrong, ``figures`` what was found."""

    step: str
    figures: dict[str, Any]
    error: GatewayError | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


def check_target(context: Context, target_id: str) -> list[Checked]:
    """All questions that its interface can answer, each to its end.

    Raises ``Misconfigured`` when the target's file or connection is wrong.
    """
    with open_delivery(context, target_id) as delivery:
        asked = [_asked("standing", lambda: _standing(delivery))]
        if delivery.profile is None:  # elsewhere nothing of ours is sealed or signed
            asked.append(_asked("own_keys", lambda: _own_keys(delivery)))
        asked += [
            _asked("ping", lambda: _ping(delivery)),
            _asked("platform_keys", lambda: _platform_keys(delivery)),
            _asked("sequence", lambda: _sequence(delivery)),
        ]
        return [one for one in asked if one.error is None or one.error.code != NO_CALL]


def _asked(step: str, look: Callable[[], dict[str, Any]]) -> Checked:
    try:
        return Checked(step, look())
    except GatewayError as wrong:
        return Checked(step, {}, wrong)


def _standing(delivery: Delivery) -> dict[str, Any]:
    target_id, now = delivery.target.target, delivery.now()
    with delivery.context.store.read() as transaction:
        row = targets.read_target(transaction, target_id)
    if row.suspended_code is not None:
        raise Misconfigured("target.suspended", target=target_id, cause=row.suspended_code)
    if row.maintenance is not None and row.in_maintenance(now):
        raise Rejected("target.maintenance", target=target_id, until=shanghai_text(row.maintenance.end))
    if not row.breaker.admits(now):
        raise Transient("target.breaker_open", target=target_id, since=shanghai_text(row.failing_since))
    return {"breaker": row.breaker.at(now).position, "last_success": shanghai_text(row.last_success_at)}


def _own_keys(delivery: Delivery) -> dict[str, Any]:
    keys = delivery.sender_keys
    return {"signature": keys.signer.key_id, "recipient": keys.recipient.key_id}


def _ping(delivery: Delivery) -> dict[str, Any]:
    delivery.client.ping()
    return {"platform": delivery.target.name}


def _platform_keys(delivery: Delivery) -> dict[str, Any]:
    """Every pinned key is one that the platform publishes still; which new ones it has is for a person to pin."""
    listed = delivery.client.keys()
    published = {(key.key_id, key.use) for key in listed}
    uses = {"platform signature": "sig", "platform encryption": "enc"}
    pinned = {(key.key_id, uses[key.what]) for key in delivery.context.keys.list() if key.what in uses}
    if gone := sorted(key_id for key_id, _ in pinned - published):
        raise Misconfigured("target.key_withdrawn", keys=", ".join(gone))
    return {"pinned": len(pinned), "published": len(published)}


def _sequence(delivery: Delivery) -> dict[str, Any]:
    """Numbers that the platform misses are under way or owed a void notice; any other is nobody's."""
    target = delivery.target
    theirs = delivery.client.stream_state(target.stream)
    with delivery.context.store.read() as transaction:
        ours = streams.last_seq(transaction, target.target, target.stream)
        owed = {notice.seq for notice in voids.unanswered(transaction, target.target)}
        open_numbers = batch_ids.open_numbers(transaction, target.target)
    if theirs.highest > ours:
        raise Rejected("target.sequence_behind", ours=ours, theirs=theirs.highest)
    if nobodys := [number for number in theirs.missing if number not in owed | open_numbers]:
        raise Rejected("target.sequence_holes", numbers=", ".join(map(str, nobodys[:SHOWN])), count=len(nobodys))
    return {"ours": ours, "theirs": theirs.highest, "missing": len(theirs.missing), "void_owed": len(owed)}
