"""What decides about mapped records beyond the mapping: the case of an evaluation that came alone, rounds by order,
revisions, and records in quarantine that a correction has overtaken. Normalise, replay and release of holds share it.

Everything here runs under the ledger's lock, so that what was looked up can't change before it is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from gateway.mapping.outcome import Problem
from gateway.mapping.revision import skips
from gateway.mapping.round import moment_key_of
from gateway.stages import rounds
from gateway.stages.context import Context
from gateway.stages.mapped_page import MappedPage
from gateway.store import Transaction, parent_holds, quarantine, revisions
from gateway.store.ledger import SourceRecord
from gateway.store.quarantine import Repeated
from gateway.store.settlement import Settled

MISSING, GAP = "parent.missing", "record.version_gap"


def ready(transaction: Transaction, context: Context, pages: Sequence[MappedPage]) -> list[SourceRecord]:
    """The records of ``pages`` that can be settled now. The others are noted with their page: refused, waiting for
    their case, or older than what is held.
    """
    for page in pages:
        if context.mapping(page.head.source_id).joins:
            _join(transaction, context, page)
    rounds.number(transaction, context, pages)
    for page in pages:
        if context.mapping(page.head.source_id).revision is not None:
            _order(transaction, page)
    return [record for page in pages for record in page.records]


def settled(transaction: Transaction, context: Context, pages: Sequence[MappedPage], outcome: Settled) -> None:
    """What follows from settling them: repeats and revisions are noted, overtaken records leave quarantine."""
    for page in pages:
        _note_older(transaction, page, outcome)
        if page.revisions:
            _note_revisions(transaction, page, outcome)
    _supersede(transaction, context, pages, outcome)


def _join(transaction: Transaction, context: Context, page: MappedPage) -> None:
    """Each evaluation gets its case from the ledger; one whose case has not come waits."""
    mapping = context.mapping(page.head.source_id)
    alone = [record.entries[0].parent_key or "" for record in page.records]
    cases = parent_holds.cases(transaction, alone)
    joined: list[SourceRecord] = []
    for record, parent in zip(page.records, alone, strict=True):
        index, entry = record.page_index or 0, record.entries[0]
        if parent not in cases:
            page.refused[index] = [Problem(MISSING, "H", "project_no", "", None, parent)]
            page.waiting[index] = parent
            continue
        evaluation, problems = mapping.join(entry, cases[parent])
        if any(problem.severity == "E" for problem in problems):
            page.refused[index] = problems
            continue
        warnings = [*record.warnings, *(problem.code for problem in problems)]
        joined.append(msgspec.structs.replace(record, entries=[evaluation], warnings=warnings))
    page.records = joined


def _order(transaction: Transaction, page: MappedPage) -> None:
    """Newer wins: what is older than the version held only repeats; a higher revision is a correction by itself."""
    keys = [record.entries[-1].key for record in page.records]
    newest = revisions.held(transaction, page.head.source_id, keys)
    kept: list[SourceRecord] = []
    for record in page.records:
        key, index = record.entries[-1].key, record.page_index or 0
        new, held = page.revisions.get(index), newest.get(key)
        if new is None or held is None:
            if new is not None:
                newest[key] = revisions.Held(new, 0)
            kept.append(record)
        elif new < held.revision:
            page.older[index] = (key, held.position or None)
        elif new > held.revision:
            gap = [GAP] if skips(held.revision, new) else []
            kept.append(msgspec.structs.replace(record, corrects=True, warnings=[*record.warnings, *gap]))
            newest[key] = revisions.Held(new, 0)
        else:
            kept.append(record)
    page.records = kept


def _note_older(transaction: Transaction, page: MappedPage, outcome: Settled) -> None:
    head = page.head
    repeats = []
    for index, (key, position) in page.older.items():
        about = (head.page_id, index, head.source_id, page.received_at, key, position)
        repeats.append(Repeated(*about))
        outcome.duplicate[head.page_id] += 1
        outcome.duplicates.add((head.page_id, index))
    quarantine.add_duplicates(transaction, repeats)


def _note_revisions(transaction: Transaction, page: MappedPage, outcome: Settled) -> None:
    newest: dict[str, tuple[str, str]] = {}
    for record in page.records:
        revision = page.revisions.get(record.page_index or 0)
        last = record.entries[-1]
        if revision is not None and (record.page_id, record.page_index) not in outcome.conflicts:
            newest[last.key] = (last.kind, max(revision, newest.get(last.key, ("", ""))[1]))
    revisions.remember(transaction, page.head.source_id, newest)


def _supersede(transaction: Transaction, context: Context, pages: Sequence[MappedPage], outcome: Settled) -> None:
    """A refused record whose source has sent it again, and right this time, needs nobody any more."""
    by_source: dict[str, dict[str, quarantine.Place]] = defaultdict(dict)
    for page in pages:
        for record in page.records:
            place = (page.head.page_id, record.page_index or 0)
            if place not in outcome.duplicates and place not in outcome.conflicts:
                for entry in record.entries:
                    by_source[page.head.source_id][entry.key] = place
                    if entry.kind == "evaluation" and context.mapping(page.head.source_id).orders:
                        by_source[page.head.source_id][moment_key_of(entry)] = place
    for source_id, stored in by_source.items():
        for key, place in quarantine.open_keys(transaction, source_id, stored):
            if place < stored[key]:
                quarantine.close(transaction, *place, quarantine.SUPERSEDED, context.clock())
