"""The day's comparison with a platform (对账): our side by the receipts, the result, and the keys that differ.

Nothing here holds a day in memory: records and differences are read page by page, by key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    collate,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from gateway.domain.batch import OPEN, RECEIPTED, BatchState
from gateway.store.batch_records import RECORD_DIGEST
from gateway.store.batches import BatchRow, select_batches
from gateway.store.database import utc_naive
from gateway.store.tables import batch, batch_record, ledger_record, reconciliation, reconciliation_item, target_state

CHUNK = 2000
MISSING_THERE, MISSING_HERE, DIFFERING = "missing_there", "missing_here", "differing"
SETTLED_UNDELIVERED = (BatchState.REJECTED, BatchState.EXPIRED, BatchState.CANCELLED)


class Delivered(NamedTuple):
    """One accepted record, its highest version of the day. ``digest``: SM3 of the record's wire bytes."""

    key: str
    version: int
    digest: bytes


class Difference(NamedTuple):
    """One key that the two sides don't hold alike; a side that lacks it has neither version nor digest (hex)."""

    record_key: str
    difference: str
    our_version: int | None
    our_digest: str | None
    their_version: int | None
    their_digest: str | None


class Comparison(NamedTuple):
    """One kind of one day, ours against theirs. ``expected``: records in batches that are not settled yet."""

    kind: str
    our_count: int
    our_digest: str
    their_count: int
    their_digest: str
    expected: int

    @property
    def equal(self) -> bool:
        return (self.our_count, self.our_digest) == (self.their_count, self.their_digest)


class Compared(NamedTuple):
    """A comparison as stored."""

    business_date: str
    comparison: Comparison
    checked_at: datetime  # naive UTC


def delivered(connection: Connection, target_id: str, business_date: str, kind: str) -> Iterator[Delivered]:
    """Accepted records of one kind and day by key (UTF-8 bytes); a duplicate counts where it came first.

    Streamed: the transaction stays open as long as it is read, so nobody may wait for a network meanwhile.
    """
    asked = _delivered(connection, target_id, business_date, kind).execution_options(yield_per=CHUNK)
    return _highest(Delivered(row[0], row[1], bytes(row[2])) for row in connection.execute(asked))


def delivered_after(
    connection: Connection, target_id: str, business_date: str, kind: str, after: str, limit: int
) -> list[Delivered]:
    """At most ``limit`` of :func:`delivered`, those behind the key ``after``; fewer only where no more follow."""
    key = _in_byte_order(connection, ledger_record.c.record_key)
    asked = _delivered(connection, target_id, business_date, kind).where(key > after)
    found = connection.execute(asked.execution_options(yield_per=CHUNK))
    page = list(islice(_highest(Delivered(row[0], row[1], bytes(row[2])) for row in found), limit))
    found.close()
    return page


def unexplained(
    connection: Connection,
    target_id: str,
    business_date: str,
    kind: str,
    differences: list[Difference],
    since: datetime,
) -> list[Difference]:
    """Those of ``differences`` that no batch under way explains: still without a result, or given one after ``since``
    (aware), when the platform had begun to be asked."""
    keys = [one.record_key for one in differences]
    found: set[str] = set()
    for start in range(0, len(keys), CHUNK):
        asked = (
            select(ledger_record.c.record_key)
            .join(batch_record, batch_record.c.position == ledger_record.c.position)
            .join(batch, batch.c.number == batch_record.c.batch_number)
            .where(
                *_of_day(target_id, business_date),
                or_(batch.c.state.in_(list(OPEN)), batch.c.updated_at > utc_naive(since)),
                ledger_record.c.kind == kind,
                ledger_record.c.record_key.in_(keys[start : start + CHUNK]),
            )
        )
        found.update(connection.execute(asked).scalars())
    return [one for one in differences if one.record_key not in found]


def unsettled(connection: Connection, target_id: str, business_date: str) -> list[str]:
    """Ids of the day's batches that have no result yet."""
    found = connection.execute(
        select(batch.c.batch_id)
        .where(*_of_day(target_id, business_date), batch.c.state.in_(list(OPEN)))
        .order_by(batch.c.seq)
    )
    return list(found.scalars())


def to_judge(connection: Connection, target_id: str, business_date: str) -> list[BatchRow]:
    """The day's batches that a receipt settled and no reconciliation has judged yet."""
    return select_batches(
        connection,
        *_of_day(target_id, business_date),
        batch.c.state.in_([BatchState.ACKNOWLEDGED, BatchState.PARTIALLY_ACCEPTED]),
    )


def disputed(connection: Connection, target_id: str, business_date: str) -> list[BatchRow]:
    """The day's batches that wait for a resolution."""
    return select_batches(connection, *_of_day(target_id, business_date), batch.c.state == BatchState.DISPUTED)


def holders(connection: Connection, target_id: str, business_date: str) -> set[str]:
    """Ids of the day's batches whose receipt says that they brought a key of which the two sides differ."""
    return set(connection.execute(_holding(target_id, business_date).where(batch_record.c.code.is_(None))).scalars())


def listed_undelivered(connection: Connection, target_id: str, business_date: str) -> list[BatchRow]:
    """Batches that we hold for refused, expired or cancelled, of which the platform lists a record (row 29)."""
    ids = _holding(target_id, business_date).where(
        batch.c.state.in_(SETTLED_UNDELIVERED), reconciliation_item.c.difference == MISSING_HERE
    )
    return select_batches(connection, batch.c.batch_id.in_(ids))


def lost_candidates(connection: Connection, target_id: str, business_date: str) -> list[BatchRow]:
    """Batches with a receipt of ours, of which the platform doesn't list a record, in the order of sealing."""
    ids = _holding(target_id, business_date).where(
        batch_record.c.code.is_(None),
        batch.c.state.in_(list(RECEIPTED)),
        reconciliation_item.c.difference == MISSING_THERE,
    )
    return select_batches(connection, batch.c.batch_id.in_(ids))


def days_to_judge(connection: Connection, target_id: str) -> list[str]:
    """Business dates with batches that still wait for reconciliation, oldest first."""
    found = connection.execute(
        select(batch.c.business_date)
        .distinct()
        .where(
            batch.c.target_id == target_id,
            or_(batch.c.state == BatchState.ACKNOWLEDGED, batch.c.state == BatchState.PARTIALLY_ACCEPTED),
        )
        .order_by(batch.c.business_date)
    )
    return list(found.scalars())


def store_comparison(
    connection: Connection,
    target_id: str,
    business_date: str,
    comparison: Comparison,
    differences: Iterable[Difference],
    at: datetime,
) -> None:
    """Replace the day's result for one kind. ``differences`` are written as they come."""
    connection.execute(  # two comparisons of a day replace each other's result one after the other
        update(target_state).where(target_state.c.target_id == target_id).values(target_id=target_id)
    )
    for table in (reconciliation, reconciliation_item):
        connection.execute(
            delete(table).where(
                table.c.target_id == target_id,
                table.c.business_date == business_date,
                table.c.kind == comparison.kind,
            )
        )
    day = {"target_id": target_id, "business_date": business_date}
    connection.execute(
        insert(reconciliation).values(
            **day, **comparison._asdict(), equal=int(comparison.equal), checked_at=utc_naive(at)
        )
    )
    rest = iter(differences)
    while chunk := [day | {"kind": comparison.kind} | one._asdict() for one in islice(rest, CHUNK)]:
        connection.execute(insert(reconciliation_item), chunk)


def count_expected(connection: Connection, target_id: str, business_date: str, kind: str) -> int:
    """Records of one kind in the day's batches that have no result yet."""
    asked = (
        select(func.count())
        .select_from(ledger_record)
        .join(batch_record, batch_record.c.position == ledger_record.c.position)
        .join(batch, batch.c.number == batch_record.c.batch_number)
        .where(
            *_of_day(target_id, business_date),
            batch.c.state.in_(list(OPEN)),
            ledger_record.c.kind == kind,
        )
    )
    return int(connection.execute(asked).scalar_one())


def compared(connection: Connection, target_id: str, first: str, last: str) -> list[Compared]:
    """Stored comparisons of the days ``first`` to ``last``, oldest first."""
    columns = [reconciliation.c[name] for name in Comparison._fields]
    found = connection.execute(
        select(reconciliation.c.business_date, reconciliation.c.checked_at, *columns)
        .where(
            reconciliation.c.target_id == target_id,
            reconciliation.c.business_date >= first,
            reconciliation.c.business_date <= last,
        )
        .order_by(reconciliation.c.business_date, reconciliation.c.kind)
    )
    return [Compared(row[0], Comparison(*row[2:]), row[1]) for row in found]


def items(
    connection: Connection,
    target_id: str,
    business_date: str,
    kind: str,
    *,
    difference: str | None = None,
    after: str = "",
    limit: int = CHUNK,
) -> list[Difference]:
    """Open differences of one kind of a day, behind the key ``after``, at most ``limit``, by key."""
    item = reconciliation_item
    key = _in_byte_order(connection, item.c.record_key)
    asked = select(*(item.c[name] for name in Difference._fields)).where(
        *_items_of(target_id, business_date), item.c.kind == kind, key > after
    )
    if difference is not None:
        asked = asked.where(item.c.difference == difference)
    return [Difference(*row) for row in connection.execute(asked.order_by(key).limit(limit))]


def count_items(connection: Connection, target_id: str, first: str, last: str) -> dict[tuple[str, str, str], int]:
    """How many differences are open: (business date, kind, class) to their number."""
    item = reconciliation_item
    columns = (item.c.business_date, item.c.kind, item.c.difference)
    found = connection.execute(
        select(*columns, func.count())
        .where(item.c.target_id == target_id, item.c.business_date >= first, item.c.business_date <= last)
        .group_by(*columns)
    )
    return {(row[0], row[1], row[2]): row[3] for row in found}


def drop_items(connection: Connection, target_id: str, business_date: str, kind: str, keys: list[str]) -> None:
    """These differences are open no more."""
    item = reconciliation_item
    connection.execute(
        delete(item).where(*_items_of(target_id, business_date), item.c.kind == kind, item.c.record_key.in_(keys))
    )


def _delivered(connection: Connection, target_id: str, business_date: str, kind: str) -> Select[Any]:
    key = _in_byte_order(connection, ledger_record.c.record_key)
    return (
        select(ledger_record.c.record_key, ledger_record.c.version, RECORD_DIGEST)
        .join(batch_record, batch_record.c.position == ledger_record.c.position)
        .join(batch, batch.c.number == batch_record.c.batch_number)
        .where(
            *_of_day(target_id, business_date),
            batch.c.state.in_([*RECEIPTED, BatchState.PURGED]),
            ledger_record.c.kind == kind,
            batch_record.c.code.is_(None),
        )
        .order_by(key, ledger_record.c.version)
    )


def _highest(rows: Iterable[Delivered]) -> Iterator[Delivered]:
    """Of several versions of a key, which follow each other, the last one."""
    highest: Delivered | None = None
    for current in rows:
        if highest is not None and highest.key != current.key:
            yield highest
        highest = current
    if highest is not None:
        yield highest


def _holding(target_id: str, business_date: str) -> Select[Any]:
    """Ids of the day's batches that hold a key of a stored difference."""
    item = reconciliation_item
    return (
        select(batch.c.batch_id)
        .distinct()
        .join(batch_record, batch_record.c.batch_number == batch.c.number)
        .join(ledger_record, ledger_record.c.position == batch_record.c.position)
        .join(item, and_(item.c.kind == ledger_record.c.kind, item.c.record_key == ledger_record.c.record_key))
        .where(
            *_of_day(target_id, business_date),
            *_items_of(target_id, business_date),
        )
    )


def _items_of(target_id: str, business_date: str) -> tuple[ColumnElement[bool], ...]:
    item = reconciliation_item
    return item.c.target_id == target_id, item.c.business_date == business_date


def _of_day(target_id: str, business_date: str) -> tuple[ColumnElement[bool], ...]:
    return batch.c.target_id == target_id, batch.c.business_date == business_date


def _in_byte_order(connection: Connection, column: ColumnElement[str]) -> ColumnElement[str]:
    return collate(column, "C") if connection.dialect.name == "postgresql" else column
