"""One landed page, opened and mapped: what its records are to become, before any lock is taken."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import zstandard

from gateway.errors import Rejected
from gateway.mapping import Mapping
from gateway.mapping.outcome import Outcome, Problem
from gateway.stages.context import Context
from gateway.stages.pull import RAW_PAGE
from gateway.store import ledger, pages, utc_naive
from gateway.store.quarantine import WHOLE_PAGE

MAPPING_BUG = "bug.mapping"
DAMAGED = "page.damaged"


@dataclass(slots=True)
class MappedPage:
    """A page's records, each either ready for the ledger or refused with all its problems."""

    head: pages.PageHead
    rule_version: str
    landed: int = 0
    records: list[ledger.SourceRecord] = field(default_factory=list)
    refused: dict[int, list[Problem]] = field(default_factory=dict)
    unrated: set[int] = field(default_factory=set)  # indexes: a service without a rating

    @property
    def undecodable(self) -> bool:
        return WHOLE_PAGE in self.refused


def map_page(context: Context, head: pages.PageHead, only: Collection[int] | None = None) -> MappedPage:
    """Open and map the page, or ``only`` some of its records. Raises ``Misconfigured`` for the mapping or the keys.

    A page that can't be read counts as one record, refused. A crash of the mapping on one record is that record's
    problem (``bug.mapping``) and stops no other.
    """
    mapping = context.mapping(head.source_id)
    mapped = MappedPage(head, mapping.version)
    try:
        items = mapping.decode(_open(context, head), head.media_type)
    except Rejected as refusal:
        return _unreadable(mapped, refusal.code)
    except zstandard.ZstdError:
        return _unreadable(mapped, DAMAGED)
    except Exception:  # noqa: BLE001 - a page that crashes the decoder must not stop its neighbours
        return _unreadable(mapped, MAPPING_BUG)
    mapped.landed = len(items)
    received_at = utc_naive(head.received_at)
    for index in range(len(items)) if only is None else sorted(only):
        outcome = _apply(mapping, items, index, head)
        entries = _entries(outcome)
        if isinstance(entries, list):
            warnings = [problem.code for problem in outcome.problems]
            record = (head.source_id, head.page_id, index, received_at, entries, outcome.corrects, warnings)
            mapped.records.append(ledger.SourceRecord(*record))
            if outcome.unrated:
                mapped.unrated.add(index)
        else:
            mapped.refused[index] = entries[0]
    return mapped


def _open(context: Context, head: pages.PageHead) -> bytes:
    with context.store.read() as transaction:
        sealed = pages.body(transaction, head.page_id)
    return zstandard.ZstdDecompressor().decompress(context.vault.open(RAW_PAGE, head.page_id, sealed))
