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

from sqlalchemy import Connection, select, update

from gateway.mapping.outcome import Problem
from gateway.store import bulk
from gateway.store.database import utc_aware, utc_naive
from gateway.store.ledger import Seal
from gateway.store.tables import quarantine, quarantine_problem

DETAIL = "quarantine"  # the vault's purpose; its row id is `detail_row`
WHOLE_PAGE = -1
WARNING = "W"
OPEN, RELEASED, DUPLICATE = "open", "released", "duplicate"
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
    raw_digest: bytes | None = None  # SM3 of the record as sent; none: a whole page, or sent back by a platform

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
    sent_back: bool = False  # it is in the ledger; a platform refused it


def detail_row(page_id: str, page_index: int) -> str:
    """The vault's row id of a record's detail."""
    return f"{page_id}:{page_index}"


def add(transaction: Connection, refused: Sequence[Refused], seal: Seal) -> None:
    """Put records in quarantine with every problem; only those that hold one back become rows to count."""
    columns = ("page_id", "page_index", "source_id", "received_at", "state", "raw_digest", "detail")
    rows = [
        (*one[:4], OPEN, one.raw_digest, seal(DETAIL, detail_row(*one.place), _packed(one.problems))) for one in refused
    ]
    bulk.insert(transaction, "quarantine", columns, rows)
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
    sent_back = (quarantine.c.raw_digest.is_(None) & (quarantine.c.page_index != WHOLE_PAGE)).label("sent_back")
    place = (quarantine.c.page_id, quarantine.c.page_index)
    asked = select(*place, quarantine.c.source_id, quarantine.c.received_at, sent_back)
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
    return [Kept(row[0], row[1], row[2], utc_aware(row[3]), bool(row[4])) for row in found]


def still_open(transaction: Connection, page_ids: Collection[str]) -> set[tuple[str, int]]:
    """Page and index of the open records of these pages. Conclusive under the ledger's lock, which replays hold."""
    asked = select(quarantine.c.page_id, quarantine.c.page_index)
    asked = asked.where(quarantine.c.page_id.in_(page_ids), quarantine.c.state == OPEN)
    return {(row.page_id, row.page_index) for row in transaction.execute(asked)}


def detail(transaction: Connection, page_id: str, page_index: int) -> bytes | None:
    """The sealed detail of one record; none when it isn't in quarantine."""
    asked = select(quarantine.c.detail).where(quarantine.c.page_id == page_id, quarantine.c.page_index == page_index)
    found = transaction.execute(asked).scalar()
    return None if found is None else bytes(found)


def close(transaction: Connection, page_id: str, page_index: int, state: str, now: datetime) -> bool:
    """Let a record out as ``released`` or ``duplicate``. False: it was not open any more."""
    done = transaction.execute(
        update(quarantine)
        .where(quarantine.c.page_id == page_id, quarantine.c.page_index == page_index, quarantine.c.state == OPEN)
        .values(state=state, closed_at=utc_naive(now))
    )
    return done.rowcount == 1


def _open_places(transaction: Connection, refused: Sequence[Refused]) -> dict[tuple[str, bytes], Place]:
    """Where the records that ``refused`` may repeat are in quarantine, by source and digest."""
    digests = sorted({one.raw_digest for one in refused if one.raw_digest})
    sources = {one.source_id for one in refused}
    held = quarantine.c
    asked = select(held.source_id, held.raw_digest, held.page_id, held.page_index)
    asked = asked.where(held.state == OPEN, held.source_id.in_(sources))
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
