"""Records that a platform refused (平台退回) and a person lets go again, as they were or in a repaired version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, select, update

from gateway.store import bulk, outbox
from gateway.store.database import utc_naive
from gateway.store.ledger import Entry, SourceRecord
from gateway.store.tables import batch, batch_record, delivery_hold, ledger_record

NOT_REFUSED = (*outbox.PRESENT_CODES, outbox.WAITS_FOR_PARENT)
LATEST = ("record_key", "version", "position", "digest", "page_id", "page_index")


class Again(NamedTuple):
    """What a refused source record says now: ``repaired`` become new versions, ``unchanged`` positions go once more."""

    record: SourceRecord
    repaired: list[Entry]
    unchanged: list[int]


class _Held(NamedTuple):
    version: int
    position: int
    digest: bytes
    page_id: str | None
    page_index: int | None


def compare(transaction: Connection, records: Sequence[SourceRecord]) -> list[Again]:
    """Hold each against the ledger, under whose lock the caller stands.

    What another source record has corrected meanwhile is left alone: the older wording must not win.
    """
    latest = _latest(transaction, records)
    found = []
    for record in records:
        again = Again(record, [], [])
        for entry in record.entries:
            held = latest.get((entry.record.kind, entry.record.key))
            if held is None:
                again.repaired.append(entry)
            elif (held.page_id, held.page_index) != (record.page_id, record.page_index):
                continue
            elif bytes(held.digest) == entry.digest:
                again.unchanged.append(held.position)
            else:
                again.repaired.append(entry)
        found.append(again)
    return found


def send_again(transaction: Connection, positions: Collection[int], at: datetime) -> int:
    """Let those of ``positions`` go whose last batch, at any target, brought them back; how many go."""
    last: dict[tuple[str, int], str | None] = {}
    wanted = sorted(positions)
    for start in range(0, len(wanted), outbox.LOOKUP):
        asked = (
            select(batch.c.target_id, batch_record.c.position, batch_record.c.code)
            .join(batch, batch.c.batch_id == batch_record.c.batch_id)
            .where(batch_record.c.position.in_(wanted[start : start + outbox.LOOKUP]))
            .order_by(batch.c.seq)
        )
        last.update({(row.target_id, row.position): row.code for row in transaction.execute(asked)})
    go: dict[str, list[int]] = defaultdict(list)
    for (target_id, position), code in last.items():
        if code is not None and code not in NOT_REFUSED:
            go[target_id].append(position)
    for target_id, returned in go.items():
        outbox.hold(transaction, target_id, returned, outbox.RELEASED, at)
    return sum(map(len, go.values()))


def release_held(transaction: Connection, source_id: str | None, code: str | None, at: datetime) -> int:
    """Let records go that wait for a person without being in quarantine: those that the gateway wrote itself, and
    those whose cell could not be opened; how many."""
    held = delivery_hold.c
    chosen: list[ColumnElement[bool]] = [held.reason.not_in([outbox.WAITS_FOR_PARENT, outbox.RELEASED])]
    if code is not None:
        chosen.append(held.reason == code)
    if source_id is not None:
        theirs = select(ledger_record.c.position).where(
            ledger_record.c.position == held.position, ledger_record.c.source_id == source_id
        )
        chosen.append(theirs.exists())
    done = transaction.execute(update(delivery_hold).where(*chosen).values(reason=outbox.RELEASED, since=utc_naive(at)))
    return done.rowcount


def _latest(transaction: Connection, records: Sequence[SourceRecord]) -> dict[tuple[str, str], _Held]:
    wanted: dict[str, set[str]] = defaultdict(set)
    for record in records:
        for entry in record.entries:
            wanted[entry.record.kind].add(entry.record.key)
    latest: dict[tuple[str, str], _Held] = {}
    for kind, keys in wanted.items():
        rows = bulk.select_in(transaction, "ledger_record", LATEST, {"kind": kind}, "record_key", sorted(keys))
        for key, *rest in rows:
            held = _Held(*rest)
            if (kind, key) not in latest or latest[kind, key].version < held.version:
                latest[kind, key] = held
    return latest
