"""What became of what was pushed: its pages are normalised at once, as any landed page, and their fate is read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.errors import Bug, GatewayError
from gateway.mapping.outcome import Problem
from gateway.stages import error_budget
from gateway.stages.context import Context
from gateway.stages.normalise import normalise
from gateway.store import inbox
from gateway.store.inbox import PageFate
from gateway.store.quarantine import DETAIL, detail_row, parse_detail


class Landed(NamedTuple):
    """A page whose fate is asked for; without a page: whatever waits of that source."""

    source_id: str
    page_id: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """One page's fate. ``reason``: why it waits, where that is known."""

    fate: PageFate
    problems: dict[int, list[Problem]]
    reason: GatewayError | None = None


class Judge:
    """The work of the judging thread."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def judge(self, landed: Sequence[Landed]) -> list[Judged | None]:
        """Normalise what waits of these sources, then tell each page's fate; none where no page was asked for.

        A source that can't be normalised keeps its pages and stops no other's. Raises ``Transient`` from the store.
        """
        reasons = {source_id: self._normalise(source_id) for source_id in sorted({one.source_id for one in landed})}
        judged = self.told([one.page_id for one in landed if one.page_id])
        with self._context.store.read() as transaction:
            stopped = error_budget.stopped(transaction)
        for one in landed:
            if one.page_id and judged[one.page_id].fate.waiting:
                reason = reasons[one.source_id]
                if one.source_id in stopped:
                    reason = GatewayError(error_budget.EXHAUSTED, source=one.source_id)
                judged[one.page_id] = Judged(judged[one.page_id].fate, {}, reason)
        return [judged.get(one.page_id) for one in landed]

    def told(self, page_ids: Sequence[str]) -> dict[str, Judged]:
        """The fate of each of these pages, as it stands; their problems opened."""
        with self._context.store.read() as transaction:
            found = inbox.fates(transaction, page_ids)
        return {page_id: Judged(fate, self._opened(fate)) for page_id, fate in found.items()}

    def _opened(self, fate: PageFate) -> dict[int, list[Problem]]:
        opened = self._context.vault.open
        return {
            index: parse_detail(opened(DETAIL, detail_row(fate.page_id, index), sealed))
            for index, sealed in fate.refused.items()
        }

    def _normalise(self, source_id: str) -> GatewayError | None:
        try:
            normalise(self._context, source_id)
        except GatewayError as failure:
            return failure
        except Exception as fault:
            return Bug("bug.inbox", failure=type(fault).__name__)
        return None
