"""Holds (等待办件): evaluations that came before their case go on when it has come, or time out into quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gateway.stages.context import Context
from gateway.stages.replay import KeptPage, ReplayReport, map_again, release
from gateway.store import Transaction, ledger, parent_holds, quarantine
from gateway.store.quarantine import HELD, WHOLE_PAGE


@dataclass(frozen=True, slots=True)
class HoldReport:
    """Evaluations by what became of their waiting."""

    joined: int = 0  # left with their case
    refused: int = 0  # their case shows that they are wrong
    timed_out: int = 0
    orders: int = 0


def release_holds(context: Context) -> HoldReport:
    """Let evaluations go whose case has come; time out those that waited ``settings.hold_hours``.

    May be repeated and killed anywhere: a record leaves its hold, enters the ledger and changes its page's counts in
    one transaction. Raises ``Misconfigured`` for a mapping.
    """
    report = ReplayReport(dry_run=False)
    after = ("", WHOLE_PAGE)
    while True:
        with context.store.read() as transaction:
            kept = parent_holds.ready(transaction, after, context.settings.chunk)
        if not kept:
            break
        pages = map_again(context, kept)
        with context.store.begin() as transaction:
            release(transaction, context, pages, report, HELD)
            for page in pages:
                _refuse(transaction, context, page)
        after = (kept[-1].page_id, kept[-1].page_index)
    with context.store.begin() as transaction:
        ledger.lock(transaction)
        late = parent_holds.time_out(transaction, context.clock() - timedelta(hours=context.settings.hold_hours))
    return HoldReport(report.passing, report.total - report.passing, late, report.orders)


def _refuse(transaction: Transaction, context: Context, page: KeptPage) -> None:
    """What its case or today's mapping shows to be wrong goes on in quarantine, with these reasons."""
    still = quarantine.still_open(transaction, [page.page_id], HELD)
    for refused in page.mapped.refusals(page.mapped.refused):
        if (refused.page_id, refused.page_index) in still and refused.waits_for is None:
            quarantine.replace(transaction, refused, context.vault.seal)
