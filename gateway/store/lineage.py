"""Lineage (追溯): where a ledger record came from and what became of it, one indexed look at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Row, select

from gateway.domain.batch import STAGES, BatchState
from gateway.store.batch_records import RECORD_DIGEST, records_of
from gateway.store.database import utc_aware
from gateway.store.tables import (
    batch,
    batch_record,
    delivery_hold,
    duplicate,
    ledger_record,
    quarantine,
    raw_page,
    receipt,
    reconciliation,
    reconciliation_item,
    work_order,
)

MOST = 99  # services of a case, evaluations of a service, cycles of an order: two digits each
KINDS = ("service", "evaluation", "rectification")


@dataclass(frozen=True, slots=True)
class LedgerVersion:
    """One row of the ledger as stored; ``personal`` is sealed. Times aware."""

    position: int
    kind: str
    record_key: str
    version: int
    parent_key: str | None
    source_id: str
    page_id: str | None
    page_index: int | None
    event_at: datetime
    received_at: datetime
    origin: str | None
    service_stage: str | None
    digest: bytes
    warnings: str | None
    content: str = field(repr=False)
    personal: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class PageLine:
    """A raw page without its body; times aware."""

    page_id: str
    source_id: str
    origin: str
    media_type: str
    received_at: datetime
    body_digest: str
    body_bytes: int
    state: str
    rule_version: str | None
    normalised_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReceiptSeen:
    receipt_id: str
    valid: bool
    reason: str | None
    first_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """A record's place in one batch, and what the platform and the day's comparison said of it."""

    target_id: str
    batch_id: str
    seq: int
    item: int
    state: str
    state_name: str
    business_date: str
    record_digest: bytes
    code: str | None  # the receipt's code for this record; none: as the batch
    receipts: tuple[ReceiptSeen, ...]
    compared_at: datetime | None  # none: that day has not been compared yet
    equal: bool | None  # of the day and kind
    difference: str | None  # of this very record


@dataclass(frozen=True, slots=True)
class Hold:
    target_id: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A place in quarantine; ``detail`` is sealed."""

    page_id: str
    page_index: int
    source_id: str
    received_at: datetime
    state: str
    closed_at: datetime | None
    record_key: str | None
    detail: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RepeatedLine:
    """A source record that only repeated: a ledger record, or a refused one."""

    record_key: str | None
    first_position: int | None
    first_page_id: str | None
    first_page_index: int | None


def family(transaction: Connection, key: str) -> list[LedgerVersion]:
    """All versions of the record ``key``, of what it belongs to and of what belongs to it, service first.

    ``key``: projectNo[#serviceNumber[#assessNumber[#cycle]]].
    """
    parts = key.split("#")
    above = ["#".join(parts[:depth]) for depth in range(2, len(parts))]
    found = [row for kind, one in zip(KINDS, above, strict=False) for row in _versions(transaction, kind, [one])]
    level = [key] if len(parts) > 1 else _below([key])
    for kind in KINDS[max(len(parts) - 2, 0) :]:
        rows = _versions(transaction, kind, level)
        found += rows
        level = _below({row.record_key for row in rows} | ({key} if kind == KINDS[len(parts) - 2] else set()))
    return found


def at_position(transaction: Connection, position: int) -> LedgerVersion | None:
    row = transaction.execute(select(*_VERSION).where(ledger_record.c.position == position)).first()
    return None if row is None else _version(row)


def batch_item(transaction: Connection, batch_id: str, item: int) -> int | None:
    """The ledger position of a batch's item."""
    asked = select(batch_record.c.position).where(records_of(batch_id), batch_record.c.item == item)
    return transaction.execute(asked).scalar()


def page(transaction: Connection, page_id: str) -> PageLine | None:
    asked = select(*(raw_page.c[name] for name in PageLine.__slots__)).where(raw_page.c.page_id == page_id)
    row = transaction.execute(asked).mappings().first()
    if row is None:
        return None
    times = {"received_at": utc_aware(row["received_at"]), "normalised_at": _aware(row["normalised_at"])}
    return PageLine(**{**row, **times})


def deliveries(transaction: Connection, version: LedgerVersion) -> list[Delivery]:
    """Every batch that held this version, oldest first."""
    found = transaction.execute(
        select(
            *(batch.c[name] for name in ("target_id", "batch_id", "seq", "state", "business_date")),
            *[batch_record.c.item, batch_record.c.code, RECORD_DIGEST],
        )
        .join(ledger_record, ledger_record.c.position == batch_record.c.position)
        .join(batch, batch.c.number == batch_record.c.batch_number)
        .where(batch_record.c.position == version.position)
        .order_by(batch.c.seq)
    ).all()
    return [_delivery(transaction, version, row) for row in found]


def holds(transaction: Connection, position: int) -> list[Hold]:
    asked = select(delivery_hold.c.target_id, delivery_hold.c.reason, delivery_hold.c.since)
    found = transaction.execute(asked.where(delivery_hold.c.position == position))
    return [Hold(row.target_id, row.reason, utc_aware(row.since)) for row in found]


def orders_of(transaction: Connection, evaluation_keys: Iterable[str]) -> list[str]:
    """Ids of the work orders that those evaluations raised."""
    order = work_order.c
    asked = select(order.order_id).where(order.evaluation_key.in_(sorted(evaluation_keys)))
    return list(transaction.execute(asked.order_by(order.evaluation_key, order.cycle)).scalars())


def refused(
    transaction: Connection, sources: Sequence[str], keys: Iterable[str], places: Iterable[tuple[str, int]] = ()
) -> list[RefusedLine]:
    """What is or was in quarantine under one of ``keys`` or at one of ``places``, oldest first."""
    held = quarantine.c
    asked = select(*(held[name] for name in RefusedLine.__slots__))
    conditions = [held.source_id.in_(list(sources)) & held.record_key.in_(sorted(set(keys)))]
    conditions += [(held.page_id == page_id) & (held.page_index == index) for page_id, index in places]
    found = {}
    for condition in conditions:
        for row in transaction.execute(asked.where(condition)).mappings():
            times = {"received_at": utc_aware(row["received_at"]), "closed_at": _aware(row["closed_at"])}
            found[row["page_id"], row["page_index"]] = RefusedLine(**{**row, **times})
    return [found[place] for place in sorted(found)]


def repeated(transaction: Connection, page_id: str, page_index: int) -> RepeatedLine | None:
    """What the source record at that place repeated, if that is all it did."""
    asked = select(*(duplicate.c[name] for name in RepeatedLine.__slots__))
    row = transaction.execute(asked.where(duplicate.c.page_id == page_id, duplicate.c.page_index == page_index)).first()
    return None if row is None else RepeatedLine(*row)


_VERSION = tuple(ledger_record.c[name] for name in LedgerVersion.__slots__)


def _below(keys: Iterable[str]) -> list[str]:
    return [f"{key}#{number}" for key in keys for number in range(1, MOST + 1)]


def _versions(transaction: Connection, kind: str, keys: Sequence[str]) -> list[LedgerVersion]:
    if not keys:
        return []
    asked = select(*_VERSION).where(ledger_record.c.kind == kind, ledger_record.c.record_key.in_(keys))
    found = transaction.execute(asked.order_by(ledger_record.c.record_key, ledger_record.c.version))
    return [_version(row) for row in found]


def _version(row: Row[tuple[object, ...]]) -> LedgerVersion:
    times = {"event_at": utc_aware(row.event_at), "received_at": utc_aware(row.received_at)}
    return LedgerVersion(**{**row._mapping, **times})


def _delivery(transaction: Connection, version: LedgerVersion, row: Row[tuple[object, ...]]) -> Delivery:
    about = {"target_id": row.target_id, "business_date": row.business_date, "kind": version.kind}
    day = transaction.execute(select(reconciliation.c.equal, reconciliation.c.checked_at).filter_by(**about)).first()
    difference = transaction.execute(
        select(reconciliation_item.c.difference).filter_by(**about, record_key=version.record_key)
    ).scalar()
    seen = transaction.execute(
        select(receipt.c.receipt_id, receipt.c.valid, receipt.c.reason, receipt.c.first_seen_at)
        .where(receipt.c.batch_id == row.batch_id)
        .order_by(receipt.c.first_seen_at)
    )
    return Delivery(
        **row._mapping,
        state_name=STAGES[BatchState(row.state)].name,
        receipts=tuple(ReceiptSeen(one[0], bool(one[1]), one[2], utc_aware(one[3])) for one in seen),
        compared_at=None if day is None else utc_aware(day.checked_at),
        equal=None if day is None else bool(day.equal),
        difference=difference,
    )


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else utc_aware(moment)
