"""The day's comparison with a platform (对账): our side by the receipts, the result, and the keys that differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, collate, delete, func, insert, or_, select

from gateway.domain.batch import OPEN, RECEIPTED, BatchState
from gateway.store.batches import BatchRow, select_batches
from gateway.store.database import utc_naive
from gateway.store.tables import batch, batch_record, ledger_record, reconciliation, reconciliation_item

CHUNK = 2000


class Delivered(NamedTuple):
    """One accepted record, its highest version of the day. ``digest``: SM3 of the record's wire bytes."""

    key: str
    version: int
    digest: bytes


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


def delivered(connection: Connection, target_id: str, business_date: str, kind: str) -> Iterator[Delivered]:
    """Accepted records of one kind and day by key (UTF-8 bytes); a duplicate counts where it came first."""
    key = _in_byte_order(connection, ledger_record.c.record_key)
    found = connection.execute(
        select(ledger_record.c.record_key, ledger_record.c.version, batch_record.c.record_digest)
        .join(batch_record, batch_record.c.position == ledger_record.c.position)
        .join(batch, batch.c.batch_id == batch_record.c.batch_id)
        .where(
            batch.c.target_id == target_id,
            batch.c.business_date == business_date,
            batch.c.state.in_(_counted()),
            ledger_record.c.kind == kind,
            batch_record.c.code.is_(None),
        )
        .order_by(key, ledger_record.c.version)
        .execution_options(yield_per=CHUNK)
    )
    highest: Delivered | None = None
    for row in found:
        current = Delivered(row.record_key, row.version, bytes(row.record_digest))
        if highest is not None and highest.key != current.key:
            yield highest
        highest = current
    if highest is not None:
        yield highest


def expected_keys(connection: Connection, target_id: str, business_date: str, kind: str) -> set[str]:
    """Keys in batches of the day that have no result yet: a difference in them is expected."""
    found = connection.execute(_of_open_batches(target_id, business_date, kind))
    return set(found.scalars())


def unsettled(connection: Connection, target_id: str, business_date: str) -> list[str]:
    """Ids of the day's batches that have no result yet."""
    found = connection.execute(
        select(batch.c.batch_id)
        .where(
            batch.c.target_id == target_id,
            batch.c.business_date == business_date,
            batch.c.state.in_(list(OPEN)),
        )
        .order_by(batch.c.seq)
    )
    return list(found.scalars())


def to_judge(connection: Connection, target_id: str, business_date: str) -> list[BatchRow]:
    """The day's batches that a receipt settled and no reconciliation has judged yet."""
    return select_batches(
        connection,
        batch.c.target_id == target_id,
        batch.c.business_date == business_date,
        batch.c.state.in_([BatchState.ACKNOWLEDGED, BatchState.PARTIALLY_ACCEPTED]),
    )


def holders(connection: Connection, target_id: str, business_date: str, kind: str, keys: Iterable[str]) -> set[str]:
    """Ids of the day's batches that brought one of ``keys``."""
    wanted, found = sorted(keys), set[str]()
    for start in range(0, len(wanted), CHUNK):
        found.update(
            connection.execute(
                select(batch.c.batch_id)
                .distinct()
                .join(batch_record, batch_record.c.batch_id == batch.c.batch_id)
                .join(ledger_record, ledger_record.c.position == batch_record.c.position)
                .where(
                    batch.c.target_id == target_id,
                    batch.c.business_date == business_date,
                    batch_record.c.code.is_(None),
                    ledger_record.c.kind == kind,
                    ledger_record.c.record_key.in_(wanted[start : start + CHUNK]),
                )
            ).scalars()
        )
    return found


def days_to_judge(connection: Connection, target_id: str) -> list[str]:
    """Business dates with batches that still wait for reconciliation, oldest first."""
    found = connection.execute(
        select(batch.c.business_date)
        .distinct()
        .where(
            batch.c.target_id == target_id,
            or_(
                batch.c.state == BatchState.ACKNOWLEDGED,
                batch.c.state == BatchState.PARTIALLY_ACCEPTED,
            ),
        )
        .order_by(batch.c.business_date)
    )
    return list(found.scalars())


def store_comparison(
    connection: Connection,
    target_id: str,
    business_date: str,
    comparison: Comparison,
    differences: Mapping[str, str],
    at: datetime,
) -> None:
    """Replace the day's result for one kind; ``differences``: key → missing_there | missing_here | differing."""
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
    if differences:
        connection.execute(
            insert(reconciliation_item),
            [
                {**day, "kind": comparison.kind, "record_key": key, "difference": difference}
                for key, difference in differences.items()
            ],
        )


def count_expected(connection: Connection, target_id: str, business_date: str, kind: str) -> int:
    """Records of one kind in the day's batches that have no result yet."""
    rows = _of_open_batches(target_id, business_date, kind).subquery()
    return connection.execute(select(func.count()).select_from(rows)).scalar_one()


def _of_open_batches(target_id: str, business_date: str, kind: str) -> Select[Any]:
    return (
        select(ledger_record.c.record_key)
        .join(batch_record, batch_record.c.position == ledger_record.c.position)
        .join(batch, batch.c.batch_id == batch_record.c.batch_id)
        .where(
            batch.c.target_id == target_id,
            batch.c.business_date == business_date,
            batch.c.state.in_(list(OPEN)),
            ledger_record.c.kind == kind,
        )
    )


def _counted() -> list[str]:
    return [*RECEIPTED, BatchState.PURGED]


def _in_byte_order(connection: Connection, column: ColumnElement[str]) -> ColumnElement[str]:
    return collate(column, "C") if connection.dialect.name == "postgresql" else column
