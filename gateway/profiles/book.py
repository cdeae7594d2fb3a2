"""The book of calls (调用登记) for a receiver without batches: what was sent for each record, and what came back.

The store keeps it; this is the face that it shows to the protocol. Every step is committed before the next begins, so
that a kill leaves at most one record in doubt, and that record is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from gateway.profiles.verdict import Verdict
from schemas.attributes import Kind

State = Literal["new", "ready", "begun", "done"]


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a batch. ``begun``: its request may have arrived, and nobody knows what became of it."""

    index: int
    kind: Kind
    key: str
    version: int
    parent_key: str | None
    state: State
    outcome: str | None = None
    code: str | None = None
    words: str = ""
    tries: int = 0

    @property
    def delivered(self) -> bool:
        return self.outcome == "delivered"


@dataclass(frozen=True, slots=True)
class Request:
    """The business content of one call as it is kept: ``body`` goes out unchanged on every attempt."""

    body: bytes
    content_digest: str  # hex SM3 of the canonical fields before any cipher


class Calls(Protocol):
    """One batch's page of the book. Writers raise ``Transient('batch.stale')`` once the lease is another's."""

    def items(self) -> list[Item]:
        """The batch's records in the order of its content."""
        ...

    def data(self, item: Item) -> Mapping[str, str]:
        """Wire data of the record over its parents', with what the receiver called the parent."""
        ...

    def request(self, item: Item) -> Request | None:
        """What an earlier attempt kept."""
        ...

    def begin(self, item: Item, request: Request) -> None:
        """Keep the request, renew the lease, and say that its first byte is about to leave."""
        ...

    def not_sent(self, item: Item) -> None:
        """Nothing left, or the receiver turned it away unjudged."""
        ...

    def note(self, item: Item, verdict: Verdict, evidence: bytes) -> None:
        """What came back; a final verdict ends the record's calls, ``hold`` makes it ready again."""
        ...


class Book(Protocol):
    def open(self, batch_id: str, token: int | None) -> Calls:
        """``token``: of the lease that sending happens under; none to look only."""
        ...
