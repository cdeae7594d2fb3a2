"""Quarantine (隔离区): source records refused, with all their reasons; and duplicates, naming what they repeat.

A refused record that its source sends again, word for word, while it is still in quarantine, is a duplicate of the one
that is there: connectors re-read on purpose, and nobody is to judge the same record twice.

What holds a record back stands open to be counted and shown; mere warnings, and raw values, which may be personal data,
only in the sealed detail.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, literal, select, update

from gateway.mapping.outcome import Problem
from gateway.store import bulk
from gateway.store.database import utc_aware, utc_naive
from gateway.store.ledger import Seal
from gateway.store.tables import parent_hold, quarantine, quarantine_problem

DETAIL = "quarantine"  # the vault's purpose; its row id is `detail_row`
WHOLE_PAGE = -1
OPEN, HELD, RELEASED, DUPLICATE, SUPERSEDED = "open", "held", "released", "duplicate", "superseded"
INSIDE = (OPEN, HELD)
FEW_KEYS = 500  # open records of a source that are at least compared here, rather than looked up key by key
WARNING = "W"
Place = tuple[str, int]  # page id, index in the page
DIGESTS = 500  # looked up in one query
CODE_LENGTH, FIELD_LENGTH, PATH_LENGTH = 64, 64, 200


class Refused(NamedTuple):
    """One source record that goes to quarantine. ``page_index`` -1: the page as a whole can't be read."""

    page_id: str
    page_index: int
    source_id: str
    received_at: datetime  # UTC, without zone
    problems: Sequence[Problem]
    raw_digest: bytes | None = None  # SM3 of the record as sent; none: never taken for a repeat
    record_key: str | None = None  # of what it would have become; none where that can't be read
    waits_for: str | None = None  # the key of the case that it is held for

    @property
    def place(self) -> Place:
        return self.page_id, self.page_index


class Repeated(NamedTuple):
    """One source record that says only what is held already."""

    page_id: str
    page_index: int
    source_id: str
    received_at: datetime  # UTC, without zone
    record_key: str | None = None  # of the ledger record that it repeats
    first_position: int | None = None
    first_page_id: str | None = None  # or the place of the refused record that it repeats
    first_page_index: int | None = None


class Kept(NamedTuple):
    """One source record in quarantine."""

    page_id: str
    page_index: int
    source_id: str
    received_at: datetime  # aware


def detail_row(page_id: str, page_index: int) -> str:
    """The vault's row id of a record's detail."""
    return f"{page_id}:{page_index}"


def add(transaction: Connection, refused: Sequence[Refused], seal: Seal) -> None:
    """Put records in quarantine with every problem; only those that hold one back become rows to count."""
    columns = ("page_id", "page_index", "source_id", "received_at", "state", "raw_digest", "record_key", "detail")
    rows = [
        (
            *(*one[:4], HELD if one.waits_for else OPEN, one.raw_digest, one.record_key),
            seal(DETAIL, detail_row(*one.place), _packed(one.problems)),
        )
        for one in refused
    ]
    bulk.insert(transaction, "quarantine", columns, rows)
    holds = [(*one[:3], one.waits_for, one.received_at) for one in refused if one.waits_for]
    bulk.insert(transaction, "parent_hold", ("page_id", "page_index", "source_id", "parent_key", "since"), holds)
    _add_problems(transaction, refused)


def add_new(transaction: Connection, refused: Sequence[Refused], seal: Seal) -> set[Place]:
    """Put those in quarantine that aren't there yet; the others are noted as duplicates of the first, and returned.

    The caller holds the ledger's lock, so that no other writer can let the first one out meanwhile.
    """
    firsts = _open_places(transaction, refused)
    new: list[Refused] = []
    repeated: list[Repeated] = []
    for one in refused:
        first = one.raw_digest and firsts.setdefault((one.source_id, one.raw_digest), one.place)
        if not first or first == one.place:
            new.append(one)
        else:
            repeated.append(Repeated(*one[:4], first_page_id=first[0], first_page_index=first[1]))
    add(transaction, new, seal)
    add_duplicates(transaction, repeated)
    return {(one.page_id, one.page_index) for one in repeated}


def parse_detail(plain: bytes) -> list[Problem]:
    """The problems in an opened detail, raw values included."""
    return [Problem(*cells) for cells in json.loads(plain)]


def add_duplicates(transaction: Connection, repeated: Sequence[Repeated]) -> None:
    """Note source records that repeat a held one."""
    bulk.insert(transaction, "duplicate", Repeated._fields, repeated)


def kept(
    transaction: Connection, source_id: str | None = None, code: str | None = None, after: str = "", limit: int = 1000
) -> list[Kept]:
    """Open records of whole pages beyond page ``after``, oldest first: of a source, with reason ``code``.

    At least one page; about ``limit`` records, since a page is never cut.
    """
    asked = select(quarantine.c.page_id, quarantine.c.page_index, quarantine.c.source_id, quarantine.c.received_at)
    asked = asked.where(quarantine.c.state == OPEN, quarantine.c.page_id > after)
    if source_id is not None:
        asked = asked.where(quarantine.c.source_id == source_id)
    if code is not None:
        named = select(quarantine_problem.c.page_id).where(
            quarantine_problem.c.page_id == quarantine.c.page_id,
            quarantine_problem.c.page_index == quarantine.c.page_index,
            quarantine_problem.c.code == code,
        )
        asked = asked.where(named.exists())
    ordered = asked.order_by(quarantine.c.page_id, quarantine.c.page_index)
    found = transaction.execute(ordered.limit(limit)).all()
    if len(found) == limit:
        last = found[-1].page_id
        found = [row for row in found if row.page_id != last]
        found += transaction.execute(ordered.where(quarantine.c.page_id == last)).all()
    return [Kept(row.page_id, row.page_index, row.source_id, utc_aware(row.received_at)) for row in found]


def still_open(transaction: Connection, page_ids: Collection[str], state: str = OPEN) -> set[Place]:
    """Page and index of these pages' records that are in ``state``. Conclusive under the ledger's lock."""
    asked = select(quarantine.c.page_id, quarantine.c.page_index)
    asked = asked.where(quarantine.c.page_id.in_(page_ids), quarantine.c.state == state)
    return {(row.page_id, row.page_index) for row in transaction.execute(asked)}


def detail(transaction: Connection, page_id: str, page_index: int) -> bytes | None:
    """The sealed detail of one record; none when it isn't in quarantine."""
    asked = select(quarantine.c.detail).where(quarantine.c.page_id == page_id, quarantine.c.page_index == page_index)
    found = transaction.execute(asked).scalar()
    return None if found is None else bytes(found)


def close(transaction: Connection, page_id: str, page_index: int, state: str, now: datetime) -> bool:
    """Let a record out as ``released``, ``duplicate`` or ``superseded``. False: it was not inside any more."""
    here = (quarantine.c.page_id == page_id, quarantine.c.page_index == page_index)
    done = transaction.execute(
        update(quarantine).where(*here, quarantine.c.state.in_(INSIDE)).values(state=state, closed_at=utc_naive(now))
    )
    _end_hold(transaction, page_id, page_index)
    return done.rowcount == 1


def replace(transaction: Connection, refused: Refused, seal: Seal) -> None:
    """Give a record that is inside other reasons than it came with."""
    for table in (quarantine_problem, quarantine):
        transaction.execute(
            table.delete().where(table.c.page_id == refused.page_id, table.c.page_index == refused.page_index)
        )
    _end_hold(transaction, *refused.place)
    add(transaction, [refused], seal)


def open_keys(transaction: Connection, source_id: str, keys: Collection[str]) -> list[tuple[str, Place]]:
    """Those of ``keys`` that records of the source inside quarantine would have had, with their places."""
    held = quarantine.c
    inside = (held.state.in_(INSIDE), held.source_id == source_id, held.record_key.is_not(None))
    few = max(FEW_KEYS, len(keys) // 2)  # reading a row costs less than looking a key up
    many = transaction.execute(select(literal(1)).where(*inside).offset(few).limit(1)).first()
    column, values = ("record_key", list(keys)) if many else ("state", list(INSIDE))
    columns = ("record_key", "page_id", "page_index", "state")
    found = bulk.select_in(transaction, "quarantine", columns, {"source_id": source_id}, column, values)
    return [(key, (page_id, index)) for key, page_id, index, state in found if state in INSIDE and key in keys]


def _end_hold(transaction: Connection, page_id: str, page_index: int) -> None:
    held = parent_hold.c
    transaction.execute(parent_hold.delete().where(held.page_id == page_id, held.page_index == page_index))


def _open_places(transaction: Connection, refused: Sequence[Refused]) -> dict[tuple[str, bytes], Place]:
    """Where the records that ``refused`` may repeat are in quarantine, by source and digest."""
    digests = sorted({one.raw_digest for one in refused if one.raw_digest})
    sources = {one.source_id for one in refused}
    held = quarantine.c
    asked = select(held.source_id, held.raw_digest, held.page_id, held.page_index)
    asked = asked.where(held.state.in_(INSIDE), held.source_id.in_(sources))
    found: dict[tuple[str, bytes], Place] = {}
    for start in range(0, len(digests), DIGESTS):
        rows = transaction.execute(asked.where(held.raw_digest.in_(digests[start : start + DIGESTS])))
        found.update({(row.source_id, bytes(row.raw_digest)): (row.page_id, row.page_index) for row in rows})
    return found


def _packed(problems: Sequence[Problem]) -> bytes:
    """Plain ASCII JSON: raw values may hold anything, also what no strict writer takes (lone surrogates)."""
    return json.dumps([tuple(problem) for problem in problems]).encode()


def _add_problems(transaction: Connection, refused: Sequence[Refused]) -> None:
    columns = ("page_id", "page_index", "ordinal", "code", "field", "source_path")
    rows = [
        (one.page_id, one.page_index, ordinal, *_shown(problem))
        for one in refused
        for ordinal, problem in enumerate(one.problems)
        if problem.severity != WARNING
    ]
    bulk.insert(transaction, "quarantine_problem", columns, rows)


def _shown(problem: Problem) -> tuple[str, str, str]:
    return problem.code[:CODE_LENGTH], problem.field[:FIELD_LENGTH], problem.source_path[:PATH_LENGTH]
