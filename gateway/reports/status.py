"""The state of the whole gateway at one moment (总览): what ``gw status`` prints and the operations page shows.

Every figure comes from one read transaction, so that they agree with each other. Nothing here holds a value of a
record: codes, counts and moments only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from gateway.domain.batch import OPEN, BatchState
from gateway.domain.moments import day_bounds, shanghai, shanghai_text
from gateway.domain.order import TERMINAL, State
from gateway.messages import LANGUAGES, catalogue, reason, retell, text
from gateway.national.target import NATIONAL, TargetFile
from gateway.reports.standing import (
    GIVEN_UP,
    BatchStatus,
    CaseStatus,
    OrderStatus,
    ReasonStatus,
    SourceStatus,
    Status,
    TargetStatus,
    Words,
)
from gateway.settings import HOLD_HOURS
from gateway.store import (
    Store,
    Transaction,
    backlog,
    batch_lines,
    figures,
    lives,
    order_views,
    parent_holds,
    reconciliation_lines,
    reconciliations,
    sources,
    target_calls,
    targets,
    utc_naive,
    windows,
)
from schemas.flow import in_maintenance
from schemas.source import SourceFile

WAITING_ORDERS = (State.PENDING_DISPATCH, State.DISPATCHING_UNKNOWN)
CLOSED_ORDERS = TERMINAL | {State.MERGED}
HOTLINE = "hotline"
UNFINISHED = "source.unfinished"
ARRIVED = (
    *(BatchState.ACKNOWLEDGED, BatchState.PARTIALLY_ACCEPTED, BatchState.RECONCILED, BatchState.DISPUTED),
    BatchState.PURGED,
)


def gateway_status(
    store: Store,
    files: Mapping[str, SourceFile],
    now: datetime,
    receivers: Sequence[TargetFile] = (NATIONAL,),
    hold_hours: float = HOLD_HOURS,
) -> Status:
    """Everything as of ``now`` (aware); "today" is the day in Asia/Shanghai. ``files``: the configured sources.

    ``receivers``: the configured ones; the totals are those of the national platform, or of the first where it is none
    of them. ``hold_hours``: how long an evaluation waits for its case.
    """
    today = shanghai(now).date()
    known = {one.target: one for one in receivers or (NATIONAL,)}
    target_id = NATIONAL.target if NATIONAL.target in known else next(iter(known))
    with store.read() as transaction:
        source_lines = _sources(transaction, files, today, now)
        troubled = batch_lines.troubled(transaction, now, limit=50)
        reasons = figures.quarantine_reasons(transaction)
        orders = order_views.count_by_state(transaction, utc_naive(now))
        totals = _totals(transaction, target_id, source_lines, orders)
        others = {*known, *targets.known(transaction)} - {target_id}
        return Status(
            as_of=now,
            day=today.isoformat(),
            sources=source_lines,
            targets=[
                *(_target(transaction, one, known) for one in (target_id, *sorted(others))),
                _hotline(transaction, totals["orders_waiting"]),
            ],
            batches=[_batch(line) for line in troubled],
            quarantine=[_reason(line, files) for line in reasons],
            cases=[
                CaseStatus(*line, until=line.oldest + timedelta(hours=hold_hours))
                for line in parent_holds.waiting(transaction)
            ],
            orders=[
                OrderStatus(line.state, _state_words("order", line.state, line.state_name), line.orders, line.overdue)
                for line in orders
            ],
            reconciliations=reconciliation_lines.list_reconciliations(transaction, target_id, limit=21),
            totals=totals,
        )


def _sources(transaction: Transaction, files: Mapping[str, SourceFile], day: date, now: datetime) -> list[SourceStatus]:
    since, until = day_bounds(day)
    counts = {line.source_id: line for line in figures.source_counts(transaction, since, until)}
    states = {state.source_id: state for state in sources.states(transaction)}
    lives_now = lives.of_sources(transaction, files)
    windows_open = windows.count_open(transaction)
    lines = []
    for source_id, source in files.items():
        count, state = counts.get(source_id), states.get(source_id)
        figure = {
            name: getattr(count, name, 0)
            for name in ("landed", "stored", "quarantined", "duplicate", "unrated", "pending_pages")
        }
        resting, rests_until = _rest(source, state, now)
        code, told = _told(source, state)
        if resting is not None:
            code, told = (
                f"source.{resting}",
                _words(
                    f"source.{resting}",
                    None,
                    source=source_id,
                    until=shanghai_text(until),
                    cause=state and state.error_code,
                ),
            )
        lines.append(
            SourceStatus(
                source_id=source_id,
                name=source.name,
                state=_source_state(state, resting),
                last_success_at=None if state is None else state.last_success_at,
                error_code=code,
                error_text=told,
                life=lives_now[source_id].life.value,
                lost_since=None if state is None else state.failing_since,
                back_at=None if state is None else state.back_at,
                paused_until=rests_until,
                windows_open=windows_open.get(source_id, 0),
                **figure,
            )
        )
    return lines


def _rest(source: SourceFile, state: sources.SourceState | None, now: datetime) -> tuple[str | None, datetime | None]:
    """Why and until when the source is left alone; a suspended one waits for a person, not for time."""
    if state is not None and state.suspended_code:
        return None, None
    if (until := in_maintenance(source.maintenance, now)) is not None:
        return "maintenance", until
    if state is not None and state.paused_until is not None and now < state.paused_until:
        return "paused", state.paused_until
    return None, None


def _source_state(state: sources.SourceState | None, resting: str | None) -> str:
    if resting is not None:
        return "open" if resting == "paused" else resting
    if state is None:
        return "never"
    if state.suspended_code:
        return "suspended"
    if state.failures:
        return "failing"
    return "waiting" if state.unfinished else "ok"


def _told(source: SourceFile, state: sources.SourceState | None) -> tuple[str | None, Words]:
    """What there is to say of the source: its failure, or the files that it hasn't written to their end."""
    if state is None:
        return None, {}
    code = state.suspended_code or state.error_code
    if code is not None:
        kept = state.suspended_detail if state.suspended_code else state.error_detail
        return code, _words(code, kept, source=source.source, address=source.name, host=source.name)
    if not state.unfinished:
        return None, {}
    files = {"files": ", ".join(state.unfinished), "count": len(state.unfinished)}
    return UNFINISHED, _words(UNFINISHED, None, source=source.source, **files)


def _target(transaction: Transaction, target_id: str, known: Mapping[str, TargetFile]) -> TargetStatus:
    row = targets.read_target(transaction, target_id)
    configured = known.get(target_id)
    behind = backlog.backlog(transaction, target_id)
    days = [] if configured is None or configured.reconciles else reconciliations.days_to_judge(transaction, target_id)
    state = "suspended" if row.suspended_code else "open" if row.breaker.position != "closed" else "ok"
    if state == "ok" and row.breaker.failures:
        state = "failing"
    if state == "ok" and row.last_success_at is None:
        state = "never"
    code = row.suspended_code or (row.last_error_code if state in ("open", "failing") else None)
    kept = row.suspended_detail if row.suspended_code else row.last_error_detail
    names = _names(target_id, "" if configured is None else configured.name)
    told = _words(code, kept, target=target_id, address=names[0], host=names[0])
    unreceipted, in_doubt = target_calls.counts(transaction, target_id)
    return TargetStatus(
        *(target_id, *names, state, behind.unsent, row.last_success_at, code, told, unreceipted, in_doubt),
        unsealed=0 if configured is None else behind.unsealed,  # nobody pushes to what is configured no more
        unheard=len(days),
        unheard_day=days[0] if days else "",
    )


def _hotline(transaction: Transaction, waiting: int) -> TargetStatus:
    """12345, judged by what its orders met last; it succeeded last when its changes were read to the end."""
    code, kept = backlog.order_trouble(transaction) or (None, None)
    tracked = sources.state(transaction, f"track:{HOTLINE}")
    reached = None if tracked is None else tracked.last_success_at
    state = "failing" if code else "ok" if reached else "never"
    told = _words(code, kept, host="12345", status=kept, reason=kept)
    return TargetStatus(HOTLINE, *_names(HOTLINE), state, waiting, reached, code, told)


def _names(target_id: str, name: str = "") -> tuple[str, Words]:
    title: Words = {lang: catalogue(lang).get(f"target.{target_id}", name or target_id) for lang in LANGUAGES}
    return title["zh"], title


def _reason(line: figures.ReasonCount, files: Mapping[str, SourceFile]) -> ReasonStatus:
    source = files.get(line.source_id)
    return ReasonStatus(
        code=line.code,
        text={lang: reason(line.code, lang) for lang in LANGUAGES},
        source_id=line.source_id,
        source_name=line.source_id if source is None else source.name,
        count=line.records,
        oldest_at=line.oldest,
    )


def _batch(line: batch_lines.BatchLine) -> BatchStatus:
    return BatchStatus(
        batch_id=line.batch_id,
        target_id=line.target_id,
        seq=line.seq,
        state=line.state,
        state_text=line.state_text,
        failure_code=line.failure_code,
        failure_text=line.failure_text if line.failure_code else {},
        record_count=line.record_count,
        attempts=line.attempts,
        next_attempt_at=line.next_attempt_at,
        may_retry=line.may_retry,
    )


def _totals(
    transaction: Transaction, target_id: str, lines: list[SourceStatus], orders: list[order_views.StateCount]
) -> dict[str, int]:
    waiting = backlog.backlog(transaction, target_id)
    batches = batch_lines.count_by_state(transaction, target_id)
    arrived = sum(batches.get(state, 0) for state in ARRIVED)
    return {
        **{
            name: sum(getattr(line, name) for line in lines)
            for name in ("landed", "stored", "quarantined", "duplicate", "unrated", "pending_pages")
        },
        "quarantine_open": backlog.quarantine_open(transaction),
        **waiting._asdict(),
        "unsent": waiting.unsent,
        "batches": sum(batches.values()),
        "acknowledged": arrived,
        "batches_waiting": sum(batches.get(state, 0) for state in OPEN),
        "batches_failed": sum(batches.get(state, 0) for state in GIVEN_UP),
        "orders": sum(line.orders for line in orders),
        "orders_waiting": sum(line.orders for line in orders if line.state in WAITING_ORDERS),
        "orders_open": sum(line.orders for line in orders if line.state not in CLOSED_ORDERS),
        "overdue": sum(line.overdue for line in orders),
    }


def _words(code: str | None, kept: str | None, **known: Any) -> Words:
    return {} if code is None else {lang: retell(code, kept, lang, **known) for lang in LANGUAGES}


def _state_words(machine: str, state: str, name: str) -> Words:
    return {"zh": name, "en": text(f"{machine}.{state}", "en")}
