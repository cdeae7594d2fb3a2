"""Settling source records: ledger rows, duplicates and work orders, all in the caller's one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from gateway.crash import reach
from gateway.domain.wire import FIRST_VERSION
from gateway.mapping.outcome import Problem
from gateway.store import ledger, quarantine
from gateway.store.ledger import Refused, Seal, SourceRecord, Verdict
from gateway.store.quarantine import Place
from gateway.store.raised_orders import Negative, is_negative, raise_orders

CONFLICT = "record.conflict"


@dataclass(slots=True)
class Settled:
    """What became of some source records: counts by page, and those that contradict the ledger."""

    stored: Counter[str] = field(default_factory=Counter)
    duplicate: Counter[str] = field(default_factory=Counter)
    unrated: Counter[str] = field(default_factory=Counter)  # of stored
    duplicates: set[Place] = field(default_factory=set)
    conflicts: dict[Place, list[Problem]] = field(default_factory=dict)
    orders: int = 0

    def conflicts_of(self, page_id: str) -> dict[int, list[Problem]]:
        """One page's conflicts, by index."""
        return {index: problems for (page, index), problems in self.conflicts.items() if page == page_id}


def settle(
    transaction: Connection,
    records: Sequence[SourceRecord],
    seal: Seal,
    now: datetime,
    default_area: str,
    refused: Refused | None = None,
) -> Settled:
    """Store ``records`` (each with its page) and what follows from them. Conflicts are left to the caller.

    ``default_area`` (12 digits) names the region of an order whose evaluation names none; ``refused``: see
    :func:`gateway.store.ledger.store`.
    """
    settled = Settled()
    repeated: list[quarantine.Repeated] = []
    negatives: list[Negative] = []
    for record, verdict in zip(records, ledger.store(transaction, records, seal, refused), strict=True):
        page_id, index = place = record.page_id or "", -1 if record.page_index is None else record.page_index
        if verdict.state == "stored":
            settled.stored[page_id] += 1
            if record.unrated and verdict.rows[0].version == FIRST_VERSION:
                settled.unrated[page_id] += 1
            for row in verdict.rows:
                if is_negative(row.entry):
                    area = row.entry.area_code or default_area
                    negatives.append(Negative(row, record.source_id, area, record.received_at))
        elif verdict.state == "duplicate":
            settled.duplicate[page_id] += 1
            settled.duplicates.add(place)
            about = (record.source_id, record.received_at, verdict.record_key, verdict.position)
            repeated.append(quarantine.Repeated(page_id, index, *about))
        else:
            settled.conflicts[place] = [_conflict(verdict)]
    reach("settle.stored")
    quarantine.add_duplicates(transaction, repeated)
    settled.orders = raise_orders(transaction, negatives, now)
    return settled


def _conflict(verdict: Verdict) -> Problem:
    """Names the held record by its position; the key is the problem's field, since it is what both share."""
    return Problem(CONFLICT, "E", "project_no", "", None, str(verdict.position))
