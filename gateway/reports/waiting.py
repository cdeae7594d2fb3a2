"""What still waits after a run (尚待), and the next act of whoever it waits for. Read off the status, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.domain.batch import BatchState
from gateway.domain.batch_act import FITS, BatchAct
from gateway.domain.moments import shanghai_text
from gateway.domain.order import State
from gateway.messages import Lang, text
from gateway.reports.standing import BatchStatus, Status

ASKED = (BatchState.UNCERTAIN, BatchState.AWAITING_RECEIPT)  # the next push asks the platform what became of them
SHOWN = 12  # leading characters of a batch's id: enough for `gw batch show`


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits. ``code`` names its sentence; ``noted``: it waits for nobody here, it is merely told."""

    code: str
    params: dict[str, Any] = field(default_factory=dict)
    noted: bool = False

    def sentence(self, lang: Lang) -> str:
        return text(f"wait.{self.code}", lang, **self.params)


def waiting(status: Status) -> list[Waiting]:
    """Everything that waits, the nearest to the sources first."""
    return [*_sources(status), *_targets(status), *_batches(status), *_records(status), *_orders(status)]


def _sources(status: Status) -> Iterator[Waiting]:
    for source in status.sources:
        if source.state == "suspended":
            yield Waiting("source_suspended", {"source": source.source_id, "cause": source.error_code})
        elif source.state in ("failing", "open"):
            yield Waiting("source_failing", {"source": source.source_id, "cause": source.error_code})
        elif source.state == "waiting":
            yield Waiting("source_waiting", {"source": source.source_id})
        if source.pending_pages and source.state != "suspended" and source.life == "live":
            yield Waiting("pages", {"source": source.source_id, "pages": source.pending_pages})


def _targets(status: Status) -> Iterator[Waiting]:
    for target in status.targets:
        if target.state in ("suspended", "open", "failing") and target.target_id != "hotline":
            yield Waiting(f"target_{target.state}", {"target": target.target_id, "cause": target.error_code})
        if target.in_doubt:
            yield Waiting("in_doubt", {"target": target.target_id, "count": target.in_doubt})
        if target.unheard:
            told = {"target": target.target_id, "count": target.unheard, "day": target.unheard_day}
            yield Waiting("unheard", told, noted=True)


def _batches(status: Status) -> Iterator[Waiting]:
    stopped = {target.target_id for target in status.targets if target.state == "suspended"}
    by_state: dict[str, list[BatchStatus]] = {}
    for batch in status.batches:
        if batch.state != BatchState.SUSPENDED or batch.target_id not in stopped:  # else told with its target
            by_state.setdefault(batch.state, []).append(batch)
    for state, batches in by_state.items():
        params: dict[str, Any] = {"count": len(batches), "batch": batches[0].batch_id[:SHOWN]}
        if state == BatchState.RETRY_WAIT:
            due = min((batch.next_attempt_at for batch in batches if batch.next_attempt_at), default=None)
            yield Waiting("batch_retry", params | {"at": shanghai_text(due)})
        elif state in ASKED:
            yield Waiting("batch_asked", params)
        elif state == BatchState.SUSPENDED:
            yield Waiting("batch_suspended", params)
        elif state in FITS[BatchAct.RETRY].states:
            yield Waiting("batch_stopped", params)
        elif state == BatchState.INTERRUPTED:
            yield Waiting("batch_interrupted", params)
        elif state == BatchState.PARTIALLY_ACCEPTED:
            yield Waiting("batch_partly", params, noted=True)
        else:
            yield Waiting("batch_refused", params)


def _records(status: Status) -> Iterator[Waiting]:
    for target in status.targets:
        if target.unsealed:
            yield Waiting("records", {"count": target.unsealed, "target": target.target_id})
    if status.totals["held"]:
        yield Waiting("held", {"count": status.totals["held"]}, noted=True)
    for line in status.cases:
        until = shanghai_text(line.until)
        yield Waiting("cases", {"count": line.count, "source": line.source_id, "until": until}, noted=True)
    if status.totals["quarantine_open"]:
        yield Waiting("quarantine", {"count": status.totals["quarantine_open"]}, noted=True)


def _orders(status: Status) -> Iterator[Waiting]:
    counts = {line.state: line.count for line in status.orders}
    for state, code in (
        (State.PENDING_CORRECTION, "orders_correct"),
        (State.PENDING_DISPATCH, "orders_pending"),
        (State.DISPATCHING_UNKNOWN, "orders_unknown"),
    ):
        if counts.get(state):
            yield Waiting(code, {"count": counts[state], "state": state.value})
