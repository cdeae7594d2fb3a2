"""Requests that senders push (推送接收): landed as pages, each idempotency key once, each nonce once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, delete, select, update

from gateway.store import bulk, sources
from gateway.store.database import utc_aware, utc_naive
from gateway.store.pages import LANDED, Landing
from gateway.store.tables import duplicate, inbox_nonce, inbox_request, quarantine, raw_page, source_state

PAGE_COLUMNS = (*Landing._fields, "state")
REQUEST_COLUMNS = ("request_key", "source_id", "sender", "content_digest", "page_id", "received_at")


class Arrival(NamedTuple):
    """One verified request. The keys are digests (hex), so that what a sender made them of stays with the sender."""

    source_id: str
    sender: str
    nonce_key: str
    nonce_until: datetime  # aware
    request_key: str
    content_digest: str
    land: Callable[[str | None], Landing]  # the page, with an id above the given one


class Taken(NamedTuple):
    """What became of an arrival. ``page_id``: its page; of a ``repeat`` the first one's; none when it was refused."""

    outcome: Literal["landed", "repeat", "replayed", "key_reused"]
    page_id: str | None = None


@dataclass(slots=True)
class PageFate:
    """What became of a page's records, as they were judged when the page was normalised."""

    page_id: str
    received_at: datetime  # aware
    body_digest: str
    waiting: bool  # not normalised yet
    landed: int
    refused: dict[int, bytes] = field(default_factory=dict)  # by index: the sealed detail; -1: the whole page
    duplicates: set[int] = field(default_factory=set)


def take(transaction: Connection, arrivals: Sequence[Arrival], now: datetime) -> list[Taken]:
    """Land what is new among ``arrivals``, in their order, and remember nonces and keys; one answer each.

    The rows of the sources concerned are locked first, so that two servers can't take the same request.
    """
    states = {source: sources.start(transaction, source, now) for source in sorted({one.source_id for one in arrivals})}
    nonces = _known(transaction, "inbox_nonce", ("nonce_key",), [one.nonce_key for one in arrivals])
    requests = _known(transaction, "inbox_request", REQUEST_COLUMNS, [one.request_key for one in arrivals])
    held = {key: (content, page_id) for key, _, _, content, page_id, _ in requests}
    used = {key for (key,) in nonces}
    last = {source: state.last_page_id for source, state in states.items()}
    landings: list[Landing] = []
    taken: list[Taken] = []
    new_nonces: dict[str, datetime] = {}
    new_requests = []
    for one in arrivals:
        if one.nonce_key in used:
            taken.append(Taken("replayed"))
            continue
        used.add(one.nonce_key)
        new_nonces[one.nonce_key] = utc_naive(one.nonce_until)
        content, page_id = held.get(one.request_key, (one.content_digest, None))
        if content != one.content_digest:
            taken.append(Taken("key_reused"))
        elif page_id is not None:
            taken.append(Taken("repeat", page_id))
        else:
            landing = one.land(last[one.source_id])
            landings.append(landing)
            last[one.source_id] = landing.page_id
            held[one.request_key] = (one.content_digest, landing.page_id)
            about = (one.request_key, one.source_id, one.sender, one.content_digest)
            new_requests.append((*about, landing.page_id, utc_naive(landing.received_at)))
            taken.append(Taken("landed", landing.page_id))
    bulk.insert(transaction, "raw_page", PAGE_COLUMNS, [_page_row(landing) for landing in landings])
    bulk.insert(transaction, "inbox_request", REQUEST_COLUMNS, new_requests)
    bulk.insert(transaction, "inbox_nonce", ("nonce_key", "until"), list(new_nonces.items()))
    for source, page_id in last.items():
        _note_landed(transaction, source, page_id, now)
    return taken


def forget_nonces(transaction: Connection, now: datetime) -> int:
    """Drop nonces whose requests would be too old by now; how many."""
    return transaction.execute(delete(inbox_nonce).where(inbox_nonce.c.until < utc_naive(now))).rowcount


def page_of(transaction: Connection, source_id: str, sender: str, page_id: str) -> bool:
    """Did this sender push this page to this source?"""
    asked = select(inbox_request.c.request_key).where(
        inbox_request.c.page_id == page_id,
        inbox_request.c.source_id == source_id,
        inbox_request.c.sender == sender,
    )
    return transaction.execute(asked).first() is not None


def fates(transaction: Connection, page_ids: Collection[str]) -> dict[str, PageFate]:
    """What became of each of these pages, by id.

    A record that has left quarantine since still shows as refused: this is what its sender was told.
    """
    page = raw_page.c
    asked = select(page.page_id, page.received_at, page.body_digest, page.state, page.landed)
    found = {
        row.page_id: PageFate(
            row.page_id, utc_aware(row.received_at), row.body_digest, row.state == LANDED, row.landed or 0
        )
        for row in transaction.execute(asked.where(page.page_id.in_(page_ids)))
    }
    refused = select(quarantine.c.page_id, quarantine.c.page_index, quarantine.c.detail)
    for page_id, index, detail in transaction.execute(refused.where(quarantine.c.page_id.in_(page_ids))):
        found[page_id].refused[index] = bytes(detail)
    repeated = select(duplicate.c.page_id, duplicate.c.page_index)
    for page_id, index in transaction.execute(repeated.where(duplicate.c.page_id.in_(page_ids))):
        if index not in found[page_id].refused:
            found[page_id].duplicates.add(index)
    return found


def _known(transaction: Connection, table: str, columns: Sequence[str], keys: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(row) for row in bulk.select_in(transaction, table, columns, {}, columns[0], sorted(set(keys)))]


def _page_row(landing: Landing) -> bulk.Row:
    return (*landing._replace(received_at=utc_naive(landing.received_at)), LANDED)


def _note_landed(transaction: Connection, source_id: str, page_id: str | None, now: datetime) -> None:
    """The source's row as after a pull that went well. Its cursor stays: nobody pulls from a source that pushes."""
    calm = {"failing_since": None, "failures": 0, "error_code": None, "error_detail": None}
    transaction.execute(
        update(source_state)
        .where(source_state.c.source_id == source_id)
        .values(last_page_id=page_id, last_success_at=utc_naive(now), **calm)
    )
