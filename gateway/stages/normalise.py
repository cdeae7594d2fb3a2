"""Normalise (归一): landed pages become ledger rows, duplicates, quarantine and work orders, each page exactly once."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.crash import reach
from gateway.errors import GatewayError
from gateway.stages import error_budget, intake
from gateway.stages.at_rest import collector_at_rest
from gateway.stages.context import Context
from gateway.stages.holds import release_holds
from gateway.stages.life import withheld
from gateway.stages.mapped_page import MappedPage, map_page
from gateway.stages.pull import GATHER_BYTES, GATHER_PAGES
from gateway.store import Transaction, ledger, pages, quarantine, settlement
from gateway.store.pages import NORMALISED, UNDECODABLE, PageCounts
from gateway.store.quarantine import WHOLE_PAGE, Place


@dataclass(frozen=True, slots=True)
class NormaliseReport:
    """Counts of one run; landed = stored + quarantined + duplicate."""

    pages: int = 0
    undecodable_pages: int = 0
    landed: int = 0
    stored: int = 0
    quarantined: int = 0
    duplicate: int = 0
    unrated: int = 0
    orders: int = 0
    joined: int = 0  # evaluations that had waited for their case and have it now; counted with the page they came in
    timed_out: int = 0  # evaluations that waited too long for it

    def plus(self, counts: Sequence[PageCounts], orders: int) -> NormaliseReport:
        """This report and what one more transaction settled."""
        return replace(
            self,
            pages=self.pages + len(counts),
            undecodable_pages=self.undecodable_pages + sum(page.state == UNDECODABLE for page in counts),
            landed=self.landed + sum(page.landed for page in counts),
            stored=self.stored + sum(page.stored for page in counts),
            quarantined=self.quarantined + sum(page.quarantined for page in counts),
            duplicate=self.duplicate + sum(page.duplicate for page in counts),
            unrated=self.unrated + sum(page.unrated for page in counts),
            orders=self.orders + orders,
        )


def normalise(
    context: Context, source_id: str | None = None, bodies: Mapping[str, bytes] | None = None
) -> NormaliseReport:
    """Normalise every landed page, oldest first, of one source or of all. May be repeated and killed anywhere.

    A source whose mapping can't be used keeps its pages and stops no other; its ``Misconfigured`` is raised once the
    others are done. ``bodies``: what the caller still holds as received, by page. Raises ``Transient`` from the store.
    """
    if source_id is not None:
        context.source(source_id)
    report = NormaliseReport()
    failures: dict[str, GatewayError] = {}
    with collector_at_rest() as look:
        for chunk in _chunks(context, source_id, failures, bodies or {}):
            reach("normalise.mapped")
            with context.store.begin() as transaction:
                counts, orders = _settle(transaction, context, chunk)
                reach("normalise.settling")
            reach("normalise.settled")
            report = report.plus(counts, orders)
            del chunk
            look()
    held = release_holds(context)
    report = replace(report, joined=held.joined, timed_out=held.timed_out, orders=report.orders + held.orders)
    for failure in failures.values():
        raise failure
    return report


def _chunks(
    context: Context, source_id: str | None, failures: dict[str, GatewayError], bodies: Mapping[str, bytes]
) -> Iterator[list[MappedPage]]:
    """Mapped pages, about ``settings.chunk`` records together: what one transaction takes."""
    chunk: list[MappedPage] = []
    size = 0
    for head, sealed in _read(context, _waiting(context, source_id), bodies):
        if head.source_id in failures:
            continue
        try:
            mapped = map_page(context, head, body=bodies.get(head.page_id), sealed=sealed)
        except GatewayError as failure:
            failures[head.source_id] = failure
            continue
        if chunk and size + mapped.landed > context.settings.chunk:
            full, chunk, size = [chunk], [], 0
            yield full.pop()  # held by nobody but the caller
        chunk.append(mapped)
        size += mapped.landed
    if chunk:
        yield chunk


def _read(
    context: Context, heads: Iterator[pages.PageHead], at_hand: Container[str]
) -> Iterator[tuple[pages.PageHead, bytes | None]]:
    """Each page with its body as stored, none for those ``at_hand``; a few are read at a time."""
    for group in _groups(heads):
        wanted = [head.page_id for head in group if head.page_id not in at_hand]
        with context.store.read() as transaction:
            sealed = pages.bodies(transaction, wanted) if wanted else {}
        yield from ((head, sealed.pop(head.page_id, None)) for head in group)


def _groups(heads: Iterator[pages.PageHead]) -> Iterator[list[pages.PageHead]]:
    group: list[pages.PageHead] = []
    for head in heads:
        group.append(head)
        if len(group) >= GATHER_PAGES or sum(head.body_bytes for head in group) >= GATHER_BYTES:
            yield group
            group = []
    if group:
        yield group


def _waiting(context: Context, source_id: str | None) -> Iterator[pages.PageHead]:
    after = ""
    while True:
        with context.store.read() as transaction:
            heads = pages.waiting(transaction, source_id, after)
            stopped = withheld(transaction, context)
        if not heads:
            return
        yield from (head for head in heads if head.source_id not in stopped)
        after = heads[-1].page_id


def _settle(transaction: Transaction, context: Context, chunk: Sequence[MappedPage]) -> tuple[list[PageCounts], int]:
    ledger.lock(transaction)
    ours = pages.still_landed(transaction, [page.head.page_id for page in chunk])
    stopped = withheld(transaction, context)
    chunk = [page for page in chunk if page.head.page_id in ours and page.head.source_id not in stopped]
    records = intake.ready(transaction, context, chunk)
    now, seal = context.clock(), context.vault.seal
    settled = settlement.settle(transaction, records, seal, now, context.settings.sender)
    for page in chunk:
        page.refused |= settled.conflicts_of(page.head.page_id)
    refused = [refusal for page in chunk for refusal in page.refusals(page.refused)]
    repeated = quarantine.add_new(transaction, refused, seal)
    intake.settled(transaction, context, chunk, settled)
    counts = [_counts(page, settled, repeated) for page in chunk]
    pages.settle(transaction, counts, now)
    error_budget.check(transaction, context, {page.head.source_id for page in chunk})
    return counts, settled.orders


def _counts(page: MappedPage, settled: settlement.Settled, repeated: set[Place]) -> PageCounts:
    page_id = page.head.page_id
    again = sum((page_id, index) in repeated for index in page.refused)
    return PageCounts(
        page_id=page_id,
        state=UNDECODABLE if WHOLE_PAGE in page.refused else NORMALISED,
        landed=page.landed,
        stored=settled.stored[page_id],
        quarantined=len(page.refused) - again,
        duplicate=settled.duplicate[page_id] + again,
        unrated=settled.unrated[page_id],
        rule_version=page.rule_version,
    )
