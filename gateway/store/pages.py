"""Raw pages (落地): landed with their cursor, normalised once, never altered."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from gateway.crash import reach
from gateway.errors import Bug, Transient
from gateway.store import bulk
from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import raw_page, source_state

LANDED, NORMALISED, UNDECODABLE = "landed", "normalised", "undecodable"


class Landing(NamedTuple):
    """One page ready to be stored: its body compressed and sealed."""

    page_id: str
    source_id: str
    origin: str
    media_type: str
    received_at: datetime  # aware
    body: bytes
    body_digest: str  # of the bytes as received: page_digest, hex
    body_bytes: int  # as received
    declared: int | None


class PageHead(NamedTuple):
    """A landed page without its body."""

    page_id: str
    source_id: str
    media_type: str
    received_at: datetime  # aware
    body_bytes: int  # as received


class PageCounts(NamedTuple):
    """What became of a page's records; landed = stored + quarantined + duplicate."""

    page_id: str
    state: str
    landed: int
    stored: int
    quarantined: int
    duplicate: int
    unrated: int
    rule_version: str


_SETTLE = (
    update(raw_page)
    .where(raw_page.c.page_id == bindparam("of_page"), raw_page.c.state == LANDED)
    .values({name: bindparam(name) for name in (*PageCounts._fields[1:], "normalised_at")})
)


def new_page_id(now: datetime, last: str | None = None) -> str:
    """A UUID of version 7 as 32 hex characters, higher than the source's ``last``: pages sort as they were landed.

    The order matters, since a correction must not be judged before what it corrects; clocks step back, ids don't.
    """
    random = secrets.randbits(74)
    milliseconds = max(int(now.timestamp() * 1000), int(last[:12], 16) + 1 if last else 0)
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | (random & (1 << 62) - 1)
    return f"{value:032x}"


def land(transaction: Connection, pages: Sequence[Landing], cursor: str, cursor_version: int) -> list[Landing]:
    """Store ``pages`` of one source and move its cursor behind the last, together; those that are new. Its version
    counts the pages.

    A repeated page (source, digest and origin equal) isn't stored again, but the cursor moves all the same. Raises
    ``Transient('pull.overtaken')`` when the cursor is no longer at ``cursor_version``: another pull has moved it.
    """
    source_id = pages[0].source_id
    place = {"of_source": source_id, "at_version": cursor_version, "next_version": cursor_version + len(pages)}
    place |= {"cursor": cursor, "page_id": pages[-1].page_id}
    if transaction.execute(_MOVE, place).rowcount != 1:
        raise Transient("pull.overtaken", source=source_id)
    reach("pull.cursor")
    return store_new(transaction, pages)


def store_new(transaction: Connection, pages: Sequence[Landing]) -> list[Landing]:
    """Store those of ``pages`` (of one source) that weren't landed before; these are given back.

    Whoever calls has locked the row of the cursor that moves with them.
    """
    digests = {"of_source": pages[0].source_id, "digests": [page.body_digest for page in pages]}
    held = {(row.body_digest, row.origin) for row in transaction.execute(_SAME, digests)}
    new: dict[tuple[str, str], Landing] = {}
    for page in pages:
        if (page.body_digest, page.origin) not in held:
            new.setdefault((page.body_digest, page.origin), page)
    rows = [page._asdict() | {"received_at": utc_naive(page.received_at), "state": LANDED} for page in new.values()]
    if rows:
        transaction.execute(_STORE, rows)
    return list(new.values())


_MOVE = (
    update(source_state)
    .where(source_state.c.source_id == bindparam("of_source"), source_state.c.cursor_version == bindparam("at_version"))
    .values(
        cursor_text=bindparam("cursor"), cursor_version=bindparam("next_version"), last_page_id=bindparam("page_id")
    )
)
_SAME = select(raw_page.c.body_digest, raw_page.c.origin).where(
    raw_page.c.source_id == bindparam("of_source"), raw_page.c.body_digest.in_(bindparam("digests", expanding=True))
)
_STORE = insert(raw_page)


_HEADS = select(*(raw_page.c[name] for name in PageHead._fields))


def known(transaction: Connection, source_id: str, origin: str) -> bool:
    """Has a page of that origin been landed?"""
    asked = select(raw_page.c.page_id).where(raw_page.c.source_id == source_id, raw_page.c.origin == origin)
    return transaction.execute(asked.limit(1)).first() is not None


def waiting(transaction: Connection, source_id: str | None, after: str = "", limit: int = 100) -> list[PageHead]:
    """Landed pages that wait for normalising, oldest first, beyond page ``after``; of one source or of all."""
    asked = _HEADS.where(raw_page.c.state == LANDED, raw_page.c.page_id > after)
    if source_id is not None:
        asked = asked.where(raw_page.c.source_id == source_id)
    return [_head(row) for row in transaction.execute(asked.order_by(raw_page.c.page_id).limit(limit))]


def heads(transaction: Connection, page_ids: Collection[str]) -> list[PageHead]:
    """The pages of those ids, oldest first, whatever their state."""
    asked = _HEADS.where(raw_page.c.page_id.in_(page_ids)).order_by(raw_page.c.page_id)
    return [_head(row) for row in transaction.execute(asked)]


def bodies(transaction: Connection, page_ids: Collection[str]) -> dict[str, bytes]:
    """The bodies, compressed and sealed as they were stored, of those pages that are there."""
    return dict(bulk.select_in(transaction, "raw_page", ("page_id", "body"), {}, "page_id", list(page_ids)))


def still_landed(transaction: Connection, page_ids: Collection[str]) -> set[str]:
    """Those of ``page_ids`` that nobody has normalised. Conclusive under the ledger's lock, which normalisers hold."""
    asked = select(raw_page.c.page_id).where(raw_page.c.page_id.in_(page_ids), raw_page.c.state == LANDED)
    return set(transaction.execute(asked).scalars())


def settle(transaction: Connection, counts: Sequence[PageCounts], now: datetime) -> None:
    """Move pages from ``landed`` to where their counts say. Raises ``Bug('store.page_state')`` if one wasn't landed."""
    if not counts:
        return
    moment = utc_naive(now)
    rows = [page._asdict() | {"of_page": page.page_id, "normalised_at": moment} for page in counts]
    done = transaction.execute(_SETTLE, rows)
    if done.rowcount != len(counts):
        raise Bug("store.page_state", page=counts[0].page_id)


def recount(
    transaction: Connection, page_id: str, landed: int, stored: int, duplicate: int, quarantined: int, unrated: int
) -> None:
    """Change a settled page's counts by these differences, after records left quarantine."""
    if landed != stored + duplicate + quarantined:
        raise Bug("store.page_counts", page=page_id)
    done = transaction.execute(
        update(raw_page)
        .where(raw_page.c.page_id == page_id, raw_page.c.state != LANDED)
        .values(
            landed=raw_page.c.landed + landed,
            stored=raw_page.c.stored + stored,
            duplicate=raw_page.c.duplicate + duplicate,
            quarantined=raw_page.c.quarantined + quarantined,
            unrated=raw_page.c.unrated + unrated,
        )
    )
    if done.rowcount != 1:
        raise Bug("store.page_state", page=page_id)


def readable(transaction: Connection, page_id: str, rule_version: str) -> None:
    """An undecodable page was read after all."""
    transaction.execute(
        update(raw_page)
        .where(raw_page.c.page_id == page_id, raw_page.c.state == UNDECODABLE)
        .values(state=NORMALISED, rule_version=rule_version)
    )


def _head(row: tuple[str, str, str, datetime, int]) -> PageHead:
    return PageHead(row[0], row[1], row[2], utc_aware(row[3]), row[4])
