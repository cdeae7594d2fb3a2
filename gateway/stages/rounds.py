"""Rounds by order: of sources that number no evaluations, each gets its place among those of its service.

Which evaluation it is, its time says: the same time again is the same evaluation, repeated or corrected. A round that
is held keeps its number, since the platform knows it by that; so one that comes late stands behind and is marked.
Pages are numbered one after the other, so that what comes out doesn't hang on which of them are settled together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from gateway.domain.problem import PROBLEMS
from gateway.mapping.outcome import Problem
from gateway.mapping.round import LAST_ROUND, Seat, numbered, seat
from gateway.stages.context import Context
from gateway.stages.mapped_page import MappedPage
from gateway.store import Transaction, rounds
from gateway.store.ledger import SourceRecord
from schemas import code_lists

LATE, UNCLEAR, UNLISTED, TOO_MANY = "evaluation.round_late", "evaluation.round_unclear", "code.unknown", "field.length"


class _Rounds:
    """The rounds of one service: which numbers are taken, and which evaluation has which."""

    def __init__(self, held: Sequence[rounds.HeldRound]) -> None:
        self._taken = {one.number: one.at for one in held}  # the latest version's time
        self._known = {one.at: one.number for one in held}

    def seat(self, at: datetime, *, corrects: bool) -> Seat | None:
        """The round of the evaluation given at ``at``; none when it corrects one that can't be told."""
        if at in self._known:
            return Seat(self._known[at], late=False)
        if corrects and self._taken:
            return None
        found = seat(self._taken, at)
        self._taken[found.number], self._known[at] = at, found.number
        return found


def number(transaction: Transaction, context: Context, pages: Sequence[MappedPage]) -> None:
    """Give every evaluation of ``pages`` that needs one its round; what can't be told is refused.

    Runs under the ledger's lock.
    """
    ordered = [page for page in pages if context.mapping(page.head.source_id).orders]
    services = {_service(record) for page in ordered for record in page.records if _is_rated(record)}
    if not services:
        return
    held = rounds.held(transaction, services)
    known = {service: _Rounds(held.get(service, ())) for service in services}
    for page in ordered:
        _number(page, known)


def _number(page: MappedPage, known: dict[str, _Rounds]) -> None:
    decided: dict[int, SourceRecord] = {}
    for record in sorted(filter(_is_rated, page.records), key=lambda rated: rated.entries[-1].event_at):
        index = record.page_index or 0
        found = known[_service(record)].seat(record.entries[-1].event_at, corrects=record.corrects)
        if found is None:
            page.refused[index] = [_problem(UNCLEAR)]
        elif found.number > LAST_ROUND:
            page.refused[index] = [_problem(TOO_MANY, f"1-{LAST_ROUND}")]
        else:
            decided[index] = _seated(record, found)
    page.records = [
        decided.get(record.page_index or 0, record)
        for record in page.records
        if record.page_index in decided or not _is_rated(record)
    ]


def _seated(record: SourceRecord, found: Seat) -> SourceRecord:
    warnings = list(record.warnings)
    if found.late:
        warnings.append(LATE)
    if str(found.number) not in code_lists.codes("evaluation_round"):
        warnings.append(UNLISTED)
    entries = [*record.entries[:-1], numbered(record.entries[-1], found.number)]
    return msgspec.structs.replace(record, entries=entries, warnings=warnings)


def _is_rated(record: SourceRecord) -> bool:
    return record.entries[-1].kind == "evaluation"


def _service(record: SourceRecord) -> str:
    return record.entries[-1].parent_key or ""


def _problem(code: str, remedy: str = "") -> Problem:
    return Problem(code, PROBLEMS[code].severity, "assess_number", "assess_time", None, remedy)
