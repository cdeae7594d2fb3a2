"""What came back for a batch: receipts as received, item codes, and what becomes of records that were refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gateway.store import bulk
from gateway.store.batch_records import records_of
from gateway.store.bundles import SPLIT
from gateway.store.database import utc_aware, utc_naive
from gateway.store.ledger import Seal
from gateway.store.outbox import PRESENT_CODES, WAITS_FOR_PARENT
from gateway.store.quarantine import OPEN, Refused
from gateway.store.quarantine import add as add_to_quarantine
from gateway.store.tables import batch, batch_record, ledger_record, quarantine, quarantine_problem, receipt

PAGES = 500
NOT_REFUSED = (None, *PRESENT_CODES, WAITS_FOR_PARENT, SPLIT)


class BatchItem(NamedTuple):
    """A record in a batch, and where it came from; ``page_id`` is none for records that the gateway writes itself."""

    item: int
    position: int
    kind: str
    record_key: str
    source_id: str
    page_id: str | None
    page_index: int | None
    received_at: datetime


class Counts(NamedTuple):
    """What a receipt said of its batch."""

    accepted: int | None
    duplicates: int | None
    rejected: int | None


def keep_receipt(
    connection: Connection,
    batch_id: str,
    raw: bytes,
    raw_digest: str,
    at: datetime,
    *,
    receipt_id: str,
    reason: str | None = None,
) -> None:
    """Keep a receipt's bytes; a repeated one adds to a counter. ``reason``: why it is not valid.

    The same bytes may be judged anew: once the key that signed them is pinned, they are the proof of delivery (I3).
    """
    same = (receipt.c.batch_id == batch_id, receipt.c.raw_digest == raw_digest)
    proven = {} if reason else {"valid": 1, "reason": None, "receipt_id": receipt_id}
    repeated = connection.execute(update(receipt).where(*same).values(seen=receipt.c.seen + 1, **proven))
    if repeated.rowcount == 0:
        connection.execute(
            insert(receipt).values(
                batch_id=batch_id,
                raw_digest=raw_digest,
                receipt_id=receipt_id,
                raw=raw,
                valid=0 if reason else 1,
                reason=reason,
                first_seen_at=utc_naive(at),
                seen=1,
            )
        )


def counts(connection: Connection, batch_id: str) -> Counts:
    """The counts that the first valid receipt brought."""
    found = connection.execute(
        select(batch.c.accepted, batch.c.duplicates, batch.c.rejected).where(batch.c.batch_id == batch_id)
    ).one()
    return Counts(*found)


def mark_items(connection: Connection, batch_id: str, codes: Mapping[int, str]) -> None:
    """Write the receipt's item codes; items without one were accepted with the batch."""
    if codes:
        connection.execute(
            update(batch_record)
            .where(records_of(batch_id), batch_record.c.item == bindparam("of_item"))
            .values(code=bindparam("its_code")),
            [{"of_item": item, "its_code": code} for item, code in codes.items()],
        )


def mark_all(connection: Connection, batch_id: str, code: str | None) -> None:
    """The batch was refused as a whole: every record bears its code; none takes it away again."""
    connection.execute(update(batch_record).where(records_of(batch_id)).values(code=code))


def positions(connection: Connection, batch_id: str) -> list[int]:
    """The ledger positions of a batch's records, in the order of its content."""
    asked = select(batch_record.c.position).where(records_of(batch_id)).order_by(batch_record.c.item)
    return list(connection.execute(asked).scalars())


def refused(connection: Connection, positions: Collection[int]) -> dict[int, tuple[str | None, int | None]]:
    """Those of ``positions`` that a platform refused for good, with page and index of the source record behind each:
    their record waits for a new version."""
    coded = bulk.select_in(connection, "batch_record", ("position", "code"), {}, "position", sorted(positions))
    turned_down = sorted({position for position, code in coded if code not in NOT_REFUSED})
    if not turned_down:
        return {}
    columns = ("position", "page_id", "page_index")
    found = bulk.select_in(connection, "ledger_record", columns, {}, "position", turned_down)
    return {position: (page_id, page_index) for position, page_id, page_index in found}


def coded_items(connection: Connection, batch_id: str, codes: Sequence[str]) -> list[BatchItem]:
    """The batch's records that bear one of ``codes``."""
    found = connection.execute(
        select(
            batch_record.c.item,
            batch_record.c.position,
            ledger_record.c.kind,
            ledger_record.c.record_key,
            ledger_record.c.source_id,
            ledger_record.c.page_id,
            ledger_record.c.page_index,
            ledger_record.c.received_at,
        )
        .join(ledger_record, ledger_record.c.position == batch_record.c.position)
        .where(records_of(batch_id), batch_record.c.code.in_(list(codes)))
        .order_by(batch_record.c.item)
    )
    return [BatchItem(*row)._replace(received_at=utc_aware(row.received_at)) for row in found]


class Kept(NamedTuple):
    """A quarantine row that is there already."""

    is_open: bool
    detail: bytes  # sealed


def quarantined(connection: Connection, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], Kept]:
    """Those of ``places`` (page, index) that are or were in quarantine."""
    pages = sorted({page_id for page_id, _ in places})
    found: dict[tuple[str, int], Kept] = {}
    for start in range(0, len(pages), PAGES):
        rows = connection.execute(
            select(quarantine.c.page_id, quarantine.c.page_index, quarantine.c.state, quarantine.c.detail).where(
                quarantine.c.page_id.in_(pages[start : start + PAGES]), quarantine.c.page_index >= 0
            )
        )
        found.update({(row.page_id, row.page_index): Kept(row.state == OPEN, bytes(row.detail)) for row in rows})
    return {place: found[place] for place in places if place in found}


def reopen(connection: Connection, refused: Refused, seal: Seal) -> None:
    """Put a source record back into quarantine, with all of its problems, old and new."""
    for table in (quarantine_problem, quarantine):
        connection.execute(
            delete(table).where(table.c.page_id == refused.page_id, table.c.page_index == refused.page_index)
        )
    add_to_quarantine(connection, [refused], seal)
