"""The error budget (错误预算): a source that goes wrong as a whole is suspended instead of filling the quarantine.

Its pages stay landed; once a person has resumed it, normalising goes on with them, and the budget counts anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.errors import Misconfigured
from gateway.messages import keep
from gateway.stages.context import Context
from gateway.store import Transaction, budgets, sources

EXHAUSTED = "source.error_budget"
RECENT = 20  # pages


def stopped(transaction: Transaction) -> set[str]:
    """Sources whose pages wait for a person: what they sent is not normalised meanwhile."""
    return {state.source_id for state in sources.states(transaction) if state.suspended_code == EXHAUSTED}


def check(transaction: Transaction, context: Context, source_ids: Iterable[str]) -> None:
    """Suspend those of ``source_ids`` whose recent pages went to quarantine beyond their budget."""
    for source_id in sorted(set(source_ids)):
        budget = context.source(source_id).error_budget
        if budget is None:
            continue
        spent = budgets.spent(transaction, source_id, RECENT)
        if spent.refused >= budget.least and spent.refused > budget.share * spent.landed:
            figures = f"{spent.refused}/{spent.landed} > {budget.share:.0%}"
            detail = keep(Misconfigured(EXHAUSTED, source=source_id, detail=figures))
            if sources.state(transaction, source_id) is None:
                sources.start(transaction, source_id, context.clock())
            sources.suspend(transaction, source_id, EXHAUSTED, detail)
