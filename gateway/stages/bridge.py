"""Our books are older than the platform's: the sequence must go on behind its end, without a number taken twice.

A database restored from a backup doesn't know the batches that were sealed after it. Sealing on would take their
numbers again, and the platform would refuse it. So the target stands still as soon as this is seen, and a person lets
the sequence go on: one number behind the platform's last is declared void (it never was a batch), and the next batch
names that notice's digest as its previous.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.crash import reach
from gateway.crypto.canonical import canonical_json
from gateway.crypto.digest import sm3_hex
from gateway.crypto.envelope import VoidRequest, sign_void
from gateway.errors import Misconfigured, Transient
from gateway.stages.delivery import Delivery
from gateway.store import Transaction, audit, sequences, targets
from gateway.store.audit import Act
from gateway.store.sequences import REFUSED, Bridge

BEHIND = "reconcile.sequence_behind"
NAMED = b"HCP-BRIDGE-1\0"


@dataclass(frozen=True, slots=True)
class Sequence:
    """One stream, ours against theirs. ``unknown_here``: how many numbers behind our last one the platform holds;
    ``unknown_there``: batches with a receipt of ours whose numbers it lacks; ``clashing``: batches refused because
    their number was taken."""

    stream: str
    our_last: int
    their_highest: int
    unknown_here: int
    unknown_there: tuple[str, ...]
    clashing: tuple[str, ...]

    @property
    def behind(self) -> bool:
        """Our books are the older ones."""
        return self.their_highest > self.our_last or bool(self.clashing)


def look_at_sequence(delivery: Delivery) -> Sequence:
    """Ask the platform where the sequence stands. A batch is sealed and stored before it is sent, so our end is read
    after the platform's."""
    target, store = delivery.target, delivery.context.store
    theirs = delivery.client.stream_state(target.stream)
    with store.read() as transaction:
        ours = sequences.last_seq(transaction, target.target, target.stream)
        lost = sequences.receipted_at(transaction, target.target, target.stream, theirs.missing)
        clashing = sequences.clashing(transaction, target.target)
    holes = sum(seq > ours for seq in theirs.missing)
    return Sequence(
        target.stream,
        ours,
        theirs.highest,
        max(0, theirs.highest - ours - holes),
        tuple(row.batch_id for row in lost),
        tuple(row.batch_id for row in clashing),
    )


def note_sequence(delivery: Delivery) -> Sequence:
    """Look, and let nothing more be sealed for a platform that is ahead of our books."""
    found = look_at_sequence(delivery)
    if found.behind:
        with delivery.context.store.begin() as transaction:
            _stand_still(delivery, transaction, found.our_last, found.their_highest)
    return found


def cross(delivery: Delivery, found: Sequence, actor: str, reason: str) -> Bridge:
    """Void one number behind the platform's last and let the sequence go on there. May be repeated after a kill.

    Raises ``Misconfigured('reconcile.bridge_refused')`` when the platform doesn't take the notice, ``Transient``
    ``reconcile.bridge_unanswered`` when it didn't say.
    """
    target = delivery.target
    bridge = _planned(delivery, found)
    reach("bridge.planned")
    request = VoidRequest(
        sender=delivery.context.settings.sender,
        stream=target.stream,
        seq=bridge.seq,
        batch_id=bridge.batch_id,
        header_digest=bridge.header_digest,
        reason="restored from a backup",
        created=delivery.now(),
    )
    reply = delivery.client.void(sign_void(request, delivery.context.keys.signer))
    if reply.failure is not None and (reply.failure.http_status or 500) >= 500:
        raise Transient("reconcile.bridge_unanswered", seq=bridge.seq, code=reply.failure.code)
    if reply.failure is not None:
        raise Misconfigured("reconcile.bridge_refused", seq=bridge.seq, code=reply.failure.code)
    reach("bridge.voided")
    with delivery.context.store.begin() as transaction:
        now = delivery.now()
        clashing = sequences.clashing(transaction, target.target)
        for row in clashing:
            sequences.cancel(transaction, row, now, actor, REFUSED)
        sequences.cross_bridge(transaction, target.target, target.stream, bridge, now)
        if targets.read_target(transaction, target.target).suspended_code in (BEHIND, REFUSED):
            targets.resume(transaction, target.target)
        outcome = f"seq={bridge.seq} cancelled={len(clashing)}"
        audit.record(transaction, Act(now, actor, "reconcile.bridge", target.target, reason, outcome))
    return bridge


def _planned(delivery: Delivery, found: Sequence) -> Bridge:
    target = delivery.target
    with delivery.context.store.begin() as transaction:
        _stand_still(delivery, transaction, found.our_last, found.their_highest)
        planned = sequences.open_bridge(transaction, target.target, target.stream)
        if planned is None:
            previous = sequences.last_digest(transaction, target.target, target.stream)
            planned = _bridge(delivery, found, previous)
            sequences.plan_bridge(transaction, target.target, target.stream, planned, delivery.now())
    return planned


def _bridge(delivery: Delivery, found: Sequence, previous: str) -> Bridge:
    """What the number stands for: our sender, the stream, and where our books ended."""
    seq = max(found.their_highest, found.our_last) + 1
    statement = {
        "sender": delivery.context.settings.sender,
        "stream": found.stream,
        "seq": seq,
        "lastSeq": found.our_last,
        "lastDigest": previous,
    }
    digest = sm3_hex(NAMED + canonical_json(statement))
    return Bridge(seq, sm3_hex(digest.encode())[:32], digest, found.our_last)


def _stand_still(delivery: Delivery, transaction: Transaction, ours: int, theirs: int) -> None:
    target = delivery.target
    targets.ensure_target(transaction, target.target, target.stream)
    targets.suspend(transaction, target.target, BEHIND, f'{{"ours": {ours}, "theirs": {theirs}}}', delivery.now())
