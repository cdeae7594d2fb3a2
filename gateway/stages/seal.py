"""Sealing (封装): the next ledger records become one batch with its place in the sequence, in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from gateway.crash import reach
from gateway.crypto.digest import sm3
from gateway.crypto.envelope import SealedBatch, SealRequest
from gateway.domain.wire import FIRST_VERSION, KIND_ORDER, PARENT_KIND, wire_record
from gateway.errors import Rejected
from gateway.stages.at_hand import AtHand
from gateway.stages.calling import may_call
from gateway.stages.delivery import Delivery
from gateway.store import Transaction, batch_records, bundles, outbox, utc_naive
from gateway.store.ledger import PERSONAL, personal_row
from gateway.store.outbox import StreamEnd

UNREADABLE = "record.unreadable"
ENVELOPE = 65_536 + 4096  # room left in a batch for header, signature and the tags of its chunks


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one turn of sealing did; ``batch_id`` is none when all records at hand had to be held."""

    batch_id: str | None
    records: int
    held: int


class Written(msgspec.Struct, frozen=True, gc=False):
    """A candidate on the wire."""

    position: int
    kind: str
    key: str
    parent_key: str | None
    digest: bytes | None  # SM3 of the wire bytes; none: as in the ledger
    wire: bytes


class Choice(NamedTuple):
    """What of the records at hand goes into the batch. ``watermark`` is none when no fresh record was looked at."""

    ready: list[Written]
    waiting: list[int]
    unreadable: list[int]
    not_taken: dict[int, str]  # with the reason; a person decides
    watermark: int | None
    parent_batch_id: str | None = None  # of the divided batch whose records these are


def seal_next(delivery: Delivery) -> Sealed | None:
    """Seal one batch from fresh records and from held ones that may go; none when there is nothing to do.

    Nothing is sealed towards a target that can't be called: the records rest as well in the ledger.
    """
    target = delivery.target
    number = batch_records.new_number(delivery.context.store)
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
        for position, reason in choice.not_taken.items():
            outbox.hold(transaction, target.target, [position], reason, now)
        if choice.watermark is not None:
            outbox.move_watermark(transaction, target.target, choice.watermark)
        reach("seal.marked")
        held = len(choice.waiting) + len(choice.unreadable) + len(choice.not_taken)
        if not choice.ready:
            return Sealed(None, 0, held)
        sealed = _seal(delivery, end, [item.wire for item in choice.ready])
        records = [(item.position, item.digest) for item in choice.ready]
        choice.ready.clear()  # their wire bytes are in the body now
        header = _columns(delivery, sealed) | {"number": number, "parent_batch_id": choice.parent_batch_id}
        outbox.store_sealed(transaction, header, sealed.body, records, now, delivery.worker)
        reach("seal.stored")
    reach("seal.sealed")
    return Sealed(sealed.header.batch_id, len(records), held)


def _choose(delivery: Delivery, transaction: Transaction) -> Choice | None:
    target = delivery.target
    at_hand = AtHand(delivery, transaction)
    written, unreadable, full = _write(delivery, at_hand)
    if at_hand.last is None and not at_hand.freed:
        return None
    go = _unawaited(delivery, written)
    orphans = _orphans(written, go)
    if orphans:
        there = outbox.parents_there(transaction, target.target, map(_parent, orphans))
        orphans = _orphans(written, go | {each.position for each in orphans if _parent(each) in there})
    if at_hand.freed:
        _let_go(transaction, target.target, at_hand, {each.position for each in written}.union(unreadable))
    waiting = {each.position for each in orphans}
    ready = [each for each in written if each.position not in waiting] if waiting else written
    watermark = _last(written, unreadable) if full and not at_hand.freed else at_hand.last
    of = None if at_hand.bundle is None else at_hand.bundle.parent_batch_id
    passed = {position: reason for position, reason in at_hand.not_taken.items() if position <= (watermark or 0)}
    return Choice(_in_order(ready, sort=bool(at_hand.freed)), sorted(waiting), unreadable, passed, watermark, of)


def _let_go(transaction: Transaction, target_id: str, at_hand: AtHand, seen: set[int]) -> None:
    """Those ``seen`` are held no longer, or stand in their bundle no longer: they go, or are held anew."""
    gone = [position for position in at_hand.freed if position in seen]
    if at_hand.bundle is not None:
        bundles.drop(transaction, at_hand.bundle, gone)
    else:
        outbox.drop_holds(transaction, target_id, gone)


def _last(written: Sequence[Written], unreadable: Sequence[int]) -> int:
    """The position up to which new records have been seen."""
    return max([each.position for each in written[-1:]] + list(unreadable[-1:]))


def _unawaited(delivery: Delivery, written: Sequence[Written]) -> set[int]:
    """Positions whose parent is of a kind that this target never takes."""
    if delivery.profile is None:
        return set()
    return {each.position for each in written if each.parent_key and not delivery.takes(PARENT_KIND[each.kind])}


def _write(delivery: Delivery, at_hand: AtHand) -> tuple[list[Written], list[int], bool]:
    """As many records as the batch has room for, the positions that can't be read, and whether it is full."""
    written: list[Written] = []
    unreadable: list[int] = []
    room = delivery.target.batch_bytes - ENVELOPE
    opened = delivery.context.vault.open
    for portion in at_hand:
        for position, kind, key, version, parent_key, content, personal in portion:
            try:
                if personal is not None:
                    personal = opened(PERSONAL, personal_row(kind, key, version), personal)  # noqa: PLW2901
                wire = wire_record(kind, key, version, content, personal)
            except Rejected:
                unreadable.append(position)  # a person looks; its neighbours go on
                continue
            room -= len(wire) + 1
            if room < 0 and written:
                return written, unreadable, True
            digest = None if version == FIRST_VERSION else sm3(wire)
            written.append(Written(position, kind, key, parent_key, digest, wire))
    return written, unreadable, False


def _by_kind(records: Sequence[Written]) -> list[list[Written]]:
    """Parents before their children."""
    return [[each for each in records if each.kind == kind] for kind in KIND_ORDER]


def _in_order(records: Sequence[Written], *, sort: bool) -> list[Written]:
    """By kind, parents first; each kind in the order of the ledger, in which they are but for held ones."""
    ranked = _by_kind(records)
    if sort:
        for rank in ranked:
            rank.sort(key=attrgetter("position"))
    return list(chain.from_iterable(ranked))


def _orphans(written: Sequence[Written], parent_there: set[int]) -> list[Written]:
    """Those whose parent is neither at the platform nor going along in this batch."""
    orphans: list[Written] = []
    along: set[str | None] = {None}
    for rank in _by_kind(written):
        alone = [each for each in rank if each.parent_key not in along and each.position not in parent_there]
        along = {None, *(each.key for each in rank)}
        along.difference_update(each.key for each in alone)
        orphans += alone
    return orphans


def _parent(record: Written) -> tuple[str, str]:
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
