"""Sealing (封装): the next ledger records become one batch with its place in the sequence, in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from gateway.crypto.digest import sm3
from gateway.crypto.envelope import SealedBatch, SealRequest
from gateway.domain.wire import FIRST_VERSION, KIND_ORDER, PARENT_KIND, wire_record
from gateway.errors import Rejected
from gateway.stages.delivery import Delivery
from gateway.stages.send import may_call
from gateway.store import Transaction, outbox, targets, utc_naive
from gateway.store.ledger import PERSONAL, personal_row
from gateway.store.outbox import Candidate, StreamEnd

UNREADABLE = "record.unreadable"
ENVELOPE = 65_536 + 4096  # room left in a batch for header, signature and the tags of its chunks


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one turn of sealing did; ``batch_id`` is none when all records at hand had to be held."""

    batch_id: str | None
    records: int
    held: int


class Written(NamedTuple):
    """A candidate and its wire bytes."""

    record: Candidate
    wire: bytes

    @property
    def digest(self) -> bytes:
        """SM3 of the wire bytes; that of a first version was taken when it was stored."""
        return self.record.digest if self.record.version == FIRST_VERSION else sm3(self.wire)


class Choice(NamedTuple):
    """What of the records at hand goes into the batch. ``watermark`` is none when no fresh record was looked at."""

    ready: list[Written]
    waiting: list[int]
    unreadable: list[int]
    watermark: int | None


def seal_next(delivery: Delivery) -> Sealed | None:
    """Seal one batch from fresh records and from held ones that may go; none when there is nothing to do.

    Nothing is sealed towards a target that can't be called: the records rest as well in the ledger.
    """
    target = delivery.target
    with delivery.context.store.begin() as transaction:
        end = outbox.lock_stream(transaction, target.target, target.stream)
        if not may_call(delivery, transaction):
            return None
        choice = _choose(delivery, transaction)
        if choice is None:
            return None
        now = delivery.now()
        outbox.hold(transaction, target.target, choice.unreadable, UNREADABLE, now)
        outbox.hold(transaction, target.target, choice.waiting, outbox.WAITS_FOR_PARENT, now)
        if choice.watermark is not None:
            outbox.move_watermark(transaction, target.target, choice.watermark)
        held = len(choice.waiting) + len(choice.unreadable)
        if not choice.ready:
            return Sealed(None, 0, held)
        sealed = _seal(delivery, end, [item.wire for item in choice.ready])
        records = [(item.record.position, item.digest) for item in choice.ready]
        outbox.store_sealed(transaction, _columns(delivery, sealed), sealed.body, records, now, delivery.worker)
    return Sealed(sealed.header.batch_id, len(records), held)


def _choose(delivery: Delivery, transaction: Transaction) -> Choice | None:
    target = delivery.target
    position = targets.read_target(transaction, target.target).position
    fresh = outbox.fresh(transaction, position, target.batch_records)
    room = target.batch_records - len(fresh)
    freed = outbox.releasable(transaction, target.target, room) if room else []
    if not fresh and not freed:
        return None
    taken = [each for each in [*fresh, *freed] if delivery.takes(each.kind)]
    written, unreadable = _write(delivery, taken)
    looked_at = {item.record.position for item in written} | set(unreadable)
    left = [each.position for each in fresh if delivery.takes(each.kind) and each.position not in looked_at]
    watermark = max((each.position for each in fresh if not left or each.position < left[0]), default=None)
    go = {each.position for each in freed}
    go |= {each.position for each, _ in written if each.parent_key and not delivery.takes(PARENT_KIND[each.kind])}
    orphans = _orphans(written, go)
    if orphans:
        parents = {each.position: _parent(each) for each, _ in written if each.position in orphans}
        there = outbox.parents_there(transaction, target.target, parents.values())
        go |= {position for position, parent in parents.items() if parent in there}
        orphans = _orphans(written, go)
    outbox.drop_holds(transaction, target.target, [each.position for each in freed if each.position in looked_at])
    ready = sorted(
        (item for item in written if item.record.position not in orphans),
        key=lambda item: (KIND_ORDER[item.record.kind], item.record.position),
    )
    return Choice(ready, sorted(orphans), unreadable, watermark)


def _write(delivery: Delivery, records: Iterable[Candidate]) -> tuple[list[Written], list[int]]:
    """Wire bytes of as many of ``records`` as the batch has room for, and the positions that can't be read."""
    written: list[Written] = []
    unreadable: list[int] = []
    room = delivery.target.batch_bytes - ENVELOPE
    for record in records:
        try:
            wire = _wire(delivery, record)
        except Rejected:
            unreadable.append(record.position)  # a person looks; its neighbours go on
            continue
        room -= len(wire) + 1
        if room < 0 and written:
            break
        written.append(Written(record, wire))
    return written, unreadable


def _wire(delivery: Delivery, record: Candidate) -> bytes:
    _, kind, key, version, _, _, content, personal = record
    if personal is not None:
        personal = delivery.context.vault.open(PERSONAL, personal_row(kind, key, version), personal)
    return wire_record(kind, key, version, content, personal)


def _orphans(written: Sequence[Written], parent_there: set[int]) -> set[int]:
    """Positions whose parent is neither at the platform nor going along in this batch."""
    along: dict[str, set[str | None]] = {kind: set() for kind in KIND_ORDER}
    children: list[Candidate] = []
    for record, _ in written:
        if record.parent_key is None or record.position in parent_there:
            along[record.kind].add(record.record_key)
        else:
            children.append(record)
    orphans: set[int] = set()
    for record in sorted(children, key=lambda each: KIND_ORDER[each.kind]):
        if record.parent_key in along[PARENT_KIND[record.kind]]:
            along[record.kind].add(record.record_key)
        else:
            orphans.add(record.position)
    return orphans


def _parent(record: Candidate) -> tuple[str, str]:
    return PARENT_KIND.get(record.kind, ""), record.parent_key or ""


def _seal(delivery: Delivery, end: StreamEnd, records: list[bytes]) -> SealedBatch:
    target = delivery.target
    created = delivery.now().replace(microsecond=0)
    request = SealRequest(
        suite=target.suite,
        sender=delivery.context.settings.sender,
        recipient=target.recipient,
        batch_id=uuid.uuid4().hex,
        stream=target.stream,
        seq=end.last_seq + 1,
        prev_digest=end.last_digest,
        created=created,
        expires=created + timedelta(days=target.expires_days),
    )
    return delivery.seal(request, records)


def _columns(delivery: Delivery, sealed: SealedBatch) -> dict[str, Any]:
    header = sealed.header
    return {
        "batch_id": header.batch_id,
        "target_id": delivery.target.target,
        "stream": header.stream,
        "seq": header.seq,
        "suite": header.suite,
        "business_date": header.business_date,
        "created_at": _moment(header.created),
        "expires_at": _moment(header.expires),
        "record_count": header.record_count,
        "header_digest": sealed.header_digest,
        "content_digest": header.content_digest,
        "merkle_root": header.merkle_root,
        "body_digest": sealed.body_digest,
        "sender_key_id": header.sender_key_id,
        "recipient_key_id": header.recipient_key_id,
    }


def _moment(wire: str) -> datetime:
    return utc_naive(datetime.fromisoformat(wire))
