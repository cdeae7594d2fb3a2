"""The outbox (待报箱): which ledger records may go next, and the one transaction that seals them into a batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, case, delete, exists, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert_postgresql
from sqlalchemy.dialects.sqlite import insert as upsert_sqlite

from gateway.domain.batch import BatchEvent, BatchState
from gateway.store import bodies, bulk
from gateway.store.database import utc_naive
from gateway.store.ledger import AS_BYTES
from gateway.store.tables import (
    batch,
    batch_event,
    batch_record,
    delivery_hold,
    ledger_record,
    stream,
    target_state,
)

WAITS_FOR_PARENT = "parent.missing"
UNSEEN = "parent.unseen"  # the platform misses a parent that its own receipt has accepted
UNSEEN_FOR = timedelta(hours=1)  # until it is asked again: at once it would say the same, again and again
RELEASED = "released"
LOOKUP = 200  # positions a statement
THERE = (
    BatchState.ACKNOWLEDGED,
    BatchState.PARTIALLY_ACCEPTED,
    BatchState.REJECTED,
    BatchState.DISPUTED,
    BatchState.RECONCILED,
    BatchState.PURGED,
)
PRESENT_CODES = ("duplicate", "version.stale")  # refused or not, the platform holds a version of that record


class Candidate(NamedTuple):
    """One ledger record that waits to be sent."""

    position: int
    kind: str
    record_key: str
    version: int
    parent_key: str | None
    content: bytes  # UTF-8, as it is sent
    personal: bytes | None


class StreamEnd(NamedTuple):
    """Where the sequence stands: the next batch takes ``last_seq + 1`` and names ``last_digest``."""

    last_seq: int
    last_digest: str


CANDIDATE = tuple(ledger_record.c[name] for name in Candidate._fields)
_parent = ledger_record.alias("parent")


def lock_stream(connection: Connection, target_id: str, name: str) -> StreamEnd:
    """The end of the sequence, with its row locked until the transaction ends: sealing runs one after the other."""
    found = connection.execute(
        select(stream.c.last_seq, stream.c.last_digest)
        .where(stream.c.target_id == target_id, stream.c.name == name)
        .with_for_update()
    ).one()
    return StreamEnd(*found)


def fresh(connection: Connection, position: int, limit: int) -> list[Candidate]:
    """Ledger records after the watermark, in the order of the ledger."""
    found = bulk.select_after(connection, "ledger_record", Candidate._fields, "position", position, limit, AS_BYTES)
    return [tuple.__new__(Candidate, row) for row in found]


def parents_there(connection: Connection, target_id: str, parents: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of ``parents`` (kind, record key) of which the platform holds some version, by a receipt of ours.

    Asked step by step, by keys alone, so that it costs the same however long the ledger is, and also while the
    database has no statistics of tables that have just been filled.
    """
    keys: dict[str, set[str]] = defaultdict(set)
    for kind, key in parents:
        keys[kind].add(key)
    at: dict[int, tuple[str, str]] = {}
    for kind, wanted in keys.items():
        columns = ("record_key", "position")
        found = bulk.select_in(connection, "ledger_record", columns, {"kind": kind}, "record_key", sorted(wanted))
        at.update({position: (kind, key) for key, position in found})
    of_record = ("position", "batch_number", "code")
    sent = bulk.select_in(connection, "batch_record", of_record, {}, "position", sorted(at))
    in_batch = [(at[position], number) for position, number, code in sent if code is None or code in PRESENT_CODES]
    numbers = sorted({number for _, number in in_batch})
    found = bulk.select_in(connection, "batch", ("number", "state"), {"target_id": target_id}, "number", numbers)
    there = {number for number, state in found if state in THERE}
    return {parent for parent, number in in_batch if number in there}


def releasable(connection: Connection, target_id: str, limit: int, now: datetime) -> list[Candidate]:
    """Held records that may go now: let go by a person or a cancelled batch, or their parent has been accepted."""
    asked_before = utc_naive(now - UNSEEN_FOR)
    found = connection.execute(
        select(*CANDIDATE)
        .join(delivery_hold, delivery_hold.c.position == ledger_record.c.position)
        .where(
            delivery_hold.c.target_id == target_id,
            or_(
                delivery_hold.c.reason == RELEASED,
                (delivery_hold.c.reason == WAITS_FOR_PARENT) & _parent_is_there(target_id),
                (delivery_hold.c.reason == UNSEEN) & (delivery_hold.c.since <= asked_before),
            ),
        )
        .order_by(ledger_record.c.position)
        .limit(limit)
    )
    return candidates(found)


def candidates(found: Iterable[Row[Any]]) -> list[Candidate]:
    """Rows of :data:`CANDIDATE`, with their content as it is sealed: in bytes."""
    return [Candidate._make(row)._replace(content=row.content.encode()) for row in found]


def hold(connection: Connection, target_id: str, positions: Iterable[int], reason: str, at: datetime) -> None:
    """Keep ``positions`` out of batches until their reason is gone; a position held already takes the new reason."""
    rows = [
        {"target_id": target_id, "position": position, "reason": reason, "since": utc_naive(at)}
        for position in positions
    ]
    if rows:
        upsert = upsert_sqlite if connection.dialect.name == "sqlite" else upsert_postgresql
        statement = upsert(delivery_hold)
        key = [delivery_hold.c.target_id, delivery_hold.c.position]
        changed = {"reason": statement.excluded.reason, "since": statement.excluded.since}
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), rows)


def hold_children(connection: Connection, target_id: str, positions: Sequence[int], at: datetime) -> None:
    """Records that the platform refused for want of their parent: until it is accepted, or seen there at last."""
    there: set[int] = set()
    for some in portions(positions):
        asked = select(ledger_record.c.position).where(ledger_record.c.position.in_(some), _parent_is_there(target_id))
        there.update(connection.execute(asked).scalars())
    hold(connection, target_id, sorted(there), UNSEEN, at)
    hold(connection, target_id, [each for each in positions if each not in there], WAITS_FOR_PARENT, at)


def release_held(connection: Connection, source_id: str | None, code: str | None, at: datetime) -> int:
    """Let records go that wait for a person without being in quarantine, of a source, for reason ``code``; how many.

    These are records that the gateway wrote itself and the platform refused, and those whose cell couldn't be opened.
    """
    chosen: list[ColumnElement[bool]] = [delivery_hold.c.reason.not_in([WAITS_FOR_PARENT, RELEASED])]
    if code is not None:
        chosen.append(delivery_hold.c.reason == code)
    if source_id is not None:
        of_source = ledger_record.c.source_id == source_id
        chosen.append(exists().where(ledger_record.c.position == delivery_hold.c.position, of_source))
    done = connection.execute(
        update(delivery_hold).where(*chosen).values(reason=RELEASED, since=utc_naive(at)),
    )
    return done.rowcount


def drop_holds(connection: Connection, target_id: str, positions: Sequence[int]) -> None:
    """The records at ``positions`` are in a batch now."""
    for some in portions(positions):
        connection.execute(
            delete(delivery_hold).where(delivery_hold.c.target_id == target_id, delivery_hold.c.position.in_(some))
        )


def portions(positions: Sequence[int]) -> Iterator[list[int]]:
    """As many as a statement may name: drivers have a limit that the largest batch goes beyond."""
    return (list(positions[start : start + LOOKUP]) for start in range(0, len(positions), LOOKUP))


def move_watermark(connection: Connection, target_id: str, position: int) -> None:
    connection.execute(update(target_state).where(target_state.c.target_id == target_id).values(position=position))


def store_sealed(
    connection: Connection,
    header: dict[str, Any],
    body: bytes,
    records: Sequence[tuple[int, bytes | None]],
    at: datetime,
    actor: str,
) -> None:
    """A sealed batch with its bytes, its records (position, digest if not the ledger's) in the order of the content,
    and its history.

    ``header`` holds the columns of ``batch`` that the seal decides; rows 1–3 of the table happen in one instant.
    """
    batch_id, number, moment = header["batch_id"], header["number"], utc_naive(at)
    connection.execute(
        insert(batch).values(
            **header, state=BatchState.QUEUED, window_started_at=moment, updated_at=moment, body_bytes=len(body)
        )
    )
    bodies.write(connection, batch_id, body)
    bulk.insert(
        connection,
        "batch_record",
        ("batch_number", "item", "position", "record_digest"),
        [(number, item, position, digest) for item, (position, digest) in enumerate(records)],
    )
    path = (None, BatchState.DRAFT, BatchState.SEALED, BatchState.QUEUED)
    events = (BatchEvent.BUILT, BatchEvent.SEALED, BatchEvent.QUEUED)
    connection.execute(
        insert(batch_event),
        [
            {
                "batch_id": batch_id,
                "seq": number + 1,
                "event": event,
                "from_state": path[number],
                "to_state": path[number + 1],
                "actor": actor,
                "happened_at": moment,
            }
            for number, event in enumerate(events)
        ],
    )
    connection.execute(
        update(stream)
        .where(stream.c.target_id == header["target_id"], stream.c.name == header["stream"])
        .values(last_seq=header["seq"], last_digest=header["header_digest"])
    )


def _parent_is_there(target_id: str) -> ColumnElement[bool]:
    """Some version of the record's parent is held by the platform, by a receipt of ours."""
    kind = case((ledger_record.c.kind == "evaluation", "service"), else_="evaluation")
    return (
        exists()
        .where(
            _parent.c.kind == kind,
            _parent.c.record_key == ledger_record.c.parent_key,
            batch_record.c.position == _parent.c.position,
            *_held_there(target_id),
        )
        .correlate(ledger_record)
    )


def _held_there(target_id: str) -> tuple[ColumnElement[bool], ...]:
    """The row of ``batch_record`` says that the platform holds the record."""
    return (
        or_(batch_record.c.code.is_(None), batch_record.c.code.in_(PRESENT_CODES)),
        batch.c.number == batch_record.c.batch_number,
        batch.c.target_id == target_id,
        batch.c.state.in_(THERE),
    )
