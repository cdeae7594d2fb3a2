"""What became of what was pushed: its pages are normalised at once, as any landed page, and their fate is read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    """A page whose fate is asked for, with its bytes where they are at hand; without a page: whatever waits."""

    source_id: str
    page_id: str = ""
    body: bytes | None = None


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
        bodies = {one.page_id: one.body for one in landed if one.body is not None}
        sources = sorted({one.source_id for one in landed})
        reasons = {source_id: self._normalise(source_id, bodies) for source_id in sources}
        judged = self.told([one.page_id for one in landed if one.page_id])
        if any(one.fate.waiting for one in judged.values()):
            reasons |= self._suspended()
        for one in landed:
            if one.page_id and judged[one.page_id].fate.waiting:
                judged[one.page_id] = replace(judged[one.page_id], reason=reasons[one.source_id])
        return [judged.get(one.page_id) for one in landed]

    def _suspended(self) -> dict[str, GatewayError]:
        with self._context.store.read() as transaction:
            stopped = error_budget.stopped(transaction)
        return {source_id: GatewayError(error_budget.EXHAUSTED, source=source_id) for source_id in stopped}

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

    def _normalise(self, source_id: str, bodies: Mapping[str, bytes]) -> GatewayError | None:
        try:
            normalise(self._context, source_id, bodies)
        except GatewayError as failure:
            return failure
        except Exception as fault:
            return Bug("bug.inbox", failure=type(fault).__name__)
        return None
