"""Replay (重放): quarantined records through the mapping as it stands now, once its fault is repaired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import attrgetter

from gateway.mapping.outcome import Problem
from gateway.stages import intake
from gateway.stages.context import Context
from gateway.stages.mapped_page import MappedPage, map_page
from gateway.store import Transaction, audit, deliveries, ledger, outbox, pages, quarantine, settlement
from gateway.store.quarantine import DUPLICATE, OPEN, RELEASED, WHOLE_PAGE, Kept


@dataclass(slots=True)
class ReplayReport:
    """What a replay did, or as a dry run would do: ``passing`` of ``total`` leave quarantine."""

    dry_run: bool
    total: int = 0
    passing: int = 0
    stored: int = 0
    duplicate: int = 0
    orders: int = 0
    sent_again: int = 0  # records that the gateway wrote itself, held since a platform refused them
    reasons: Counter[str] = field(default_factory=Counter)  # why the others stay, by code


@dataclass(slots=True)
class KeptPage:
    """A page, mapped again as far as wanted, and its records in quarantine."""

    mapped: MappedPage
    kept: list[Kept]

    @property
    def page_id(self) -> str:
        return self.mapped.head.page_id

    @property
    def whole(self) -> bool:
        """Was the page as a whole refused?"""
        return any(one.page_index == WHOLE_PAGE for one in self.kept)


def replay(
    context: Context,
    source_id: str | None = None,
    code: str | None = None,
    *,
    dry_run: bool = True,
    actor: str = "system",
    reason: str = "",
) -> ReplayReport:
    """Map open quarantined records again, of a source, with reason ``code``; release those that pass.

    Records leave quarantine, enter the ledger and change their page's counts in one transaction; a dry run does the
    same and rolls it back. Raises ``Misconfigured`` when a mapping can't be used. A real run is audited.
    """
    report = ReplayReport(dry_run)
    opened = context.store.rehearse if dry_run else context.store.begin
    for chunk in _chunks(context, source_id, code):
        mapped = map_again(context, chunk)
        with opened() as transaction:
            release(transaction, context, mapped, report)
    with opened() as transaction:
        report.sent_again = outbox.release_held(transaction, source_id, code, context.clock())
    if not dry_run:
        outcome = f"{report.passing}/{report.total}"
        about = "/".join(part for part in (source_id, code) if part) or "*"
        with context.store.begin() as transaction:
            audit.record(
                transaction, audit.Act(context.clock(), actor, "quarantine.replay", about, reason or None, outcome)
            )
    return report


def _chunks(context: Context, source_id: str | None, code: str | None) -> Iterator[list[Kept]]:
    after = ""
    while True:
        with context.store.read() as transaction:
            chunk = quarantine.kept(transaction, source_id, code, after, context.settings.chunk)
        if not chunk:
            return
        yield chunk
        after = chunk[-1].page_id


def map_again(context: Context, chunk: Sequence[Kept]) -> list[KeptPage]:
    """The pages of these records, mapped again as far as needed."""
    kept = {page_id: list(group) for page_id, group in groupby(chunk, attrgetter("page_id"))}
    with context.store.read() as transaction:
        heads = pages.heads(transaction, list(kept))
    found = []
    for head in heads:
        indexes = [one.page_index for one in kept[head.page_id]]
        only = None if WHOLE_PAGE in indexes else indexes
        found.append(KeptPage(map_page(context, head, only), kept[head.page_id]))
    return found


def release(
    transaction: Transaction, context: Context, chunk: Sequence[KeptPage], report: ReplayReport, state: str = OPEN
) -> None:
    """Settle what passes of these records, which are in quarantine in ``state``, and let it out."""
    ledger.lock(transaction)
    still = quarantine.still_open(transaction, [page.page_id for page in chunk], state)
    ours = [page for page in chunk if all((one.page_id, one.page_index) in still for one in page.kept)]
    mapped = [page.mapped for page in ours]
    records = intake.ready(transaction, context, mapped)
    now = context.clock()
    by_platform = partial(deliveries.refused, transaction)
    settled = settlement.settle(transaction, records, context.vault.seal, now, context.settings.sender, by_platform)
    intake.settled(transaction, context, mapped, settled)
    for page in ours:
        page.mapped.refused |= settled.conflicts_of(page.page_id)
        refused = page.mapped.refused
        for problems in refused.values():
            report.reasons.update({problem.code for problem in problems if problem.severity != quarantine.WARNING})
        report.total += len(page.kept)
        if page.whole:
            report.passing += _release_page(transaction, context, page, refused, settled)
        else:
            report.passing += _release_records(transaction, context, page, refused, settled)
    report.stored += settled.stored.total()
    report.duplicate += settled.duplicate.total()
    report.orders += settled.orders


def _release_records(
    transaction: Transaction,
    context: Context,
    page: KeptPage,
    refused: dict[int, list[Problem]],
    settled: settlement.Settled,
) -> int:
    """Let the records out that passed; how many."""
    if WHOLE_PAGE in refused:
        return 0
    passed = [one.page_index for one in page.kept if one.page_index not in refused]
    for index in passed:
        state = DUPLICATE if (page.page_id, index) in settled.duplicates else RELEASED
        quarantine.close(transaction, page.page_id, index, state, context.clock())
    stored, duplicate = settled.stored[page.page_id], settled.duplicate[page.page_id]
    unrated = settled.unrated[page.page_id]
    pages.recount(transaction, page.page_id, 0, stored, duplicate, -len(passed), unrated)
    return len(passed)


def _release_page(
    transaction: Transaction,
    context: Context,
    page: KeptPage,
    refused: dict[int, list[Problem]],
    settled: settlement.Settled,
) -> int:
    """A page that can be read now: its one row leaves quarantine, and its records go where they belong."""
    if WHOLE_PAGE in refused:
        return 0
    again = len(quarantine.add_new(transaction, page.mapped.refusals(refused), context.vault.seal))
    quarantine.close(transaction, page.page_id, WHOLE_PAGE, RELEASED, context.clock())
    counts = (settled.stored[page.page_id], settled.duplicate[page.page_id] + again, len(refused) - again - 1)
    unrated = settled.unrated[page.page_id]
    pages.recount(transaction, page.page_id, page.mapped.landed - 1, *counts, unrated)
    pages.readable(transaction, page.page_id, page.mapped.rule_version)
    return 1
