"""``gw status``: the whole gateway at a glance, and what waits for whom."""

from __future__ import annotations

import typer

from gateway.cli.key_waits import keys_waiting
from gateway.cli.opening import gateway
from gateway.cli.output import Exit, Json, leave, mode, say, show, tell, title, word
from gateway.cli.sources import tell_broken
from gateway.cli.tables import short, table
from gateway.domain.moments import shanghai_text
from gateway.reports.standing import Status, document
from gateway.reports.status import gateway_status
from gateway.reports.waiting import SHOWN, waiting

app = typer.Typer(add_completion=False)
FIGURES = ("landed", "stored", "quarantined", "duplicate", "unrated")
MOST = 8  # reasons and batches; the lists have them all


@app.command()
def status(as_json: Json = False) -> None:
    """总览：数据源、上报、工单、隔离区、对账，以及待谁处理。有需人处理的，退出码 3。

     · Sources, delivery, work orders, quarantine, reconciliation, and what waits for whom; exit code 3 while something
    needs a person.
    """
    context = gateway()
    now = gateway_status(
        context.store, context.sources, context.clock(), context.targets.pushed, context.settings.hold_hours
    )
    waits = [*waiting(now), *keys_waiting(context)]
    broken = [{"file": one.file, "source": one.source, "error": one.error.code} for one in context.broken_sources]
    told = [{"code": wait.code, **wait.params, "message": wait.sentence(mode.lang)} for wait in waits]
    show(document(now) | {"broken_sources": broken, "waiting": told})
    _tell(now)
    tell_broken(context)
    if waits:
        say("waiting")
    for wait in waits:
        tell(f"  · {wait.sentence(mode.lang)}")
    leave(Exit.PARTLY if now.trouble or broken else Exit.DONE)


def _tell(now: Status) -> None:
    figures = [*FIGURES, *(["pending_pages"] if now.totals["pending_pages"] else [])]
    table(
        word("sources", day=now.day, time=shanghai_text(now.as_of)),
        ("source", "name", "state", *(f"count.{figure}" for figure in figures)),
        [
            (
                line.source_id,
                short(line.name),
                word(f"state.{line.state}"),
                *(getattr(line, figure) for figure in figures),
            )
            for line in now.sources
        ],
    )
    for source in now.sources:
        if source.error_code:
            tell(f"  ! {source.source_id}: {source.error_code} {source.error_text[mode.lang]}")
        if source.lost_since:
            say("source_lost", source=source.source_id, since=shanghai_text(source.lost_since))
        elif source.back_at:
            say("source_back", source=source.source_id, at=shanghai_text(source.back_at))
        if source.windows_open:
            say("source_windows", source=source.source_id, count=source.windows_open)
    tell("")
    table(
        word("targets"),
        ("target", "name", "state", "last_success"),
        [
            (
                line.target_id,
                line.title[mode.lang],
                word(f"state.{line.state}"),
                line.last_success_at,
            )
            for line in now.targets
        ],
    )
    for target in now.targets:
        if target.error_code:
            tell(f"  ! {target.target_id}: {target.error_code} {target.error_text[mode.lang]}")
        if target.unreceipted:
            say("unreceipted", target=target.target_id, count=f"{target.unreceipted:,}")
    tell("")
    total = now.totals
    say("delivery", **{name: total[name] for name in ("ledger", "delivered", "unsent", "batches", "acknowledged")})
    _tell_batches(now)
    tell("")
    _tell_quarantine(now)
    tell("")
    table(
        word("orders"),
        ("state", "records", "overdue"),
        [(f"{line.state} {line.text[mode.lang]}", line.count, line.overdue) for line in now.orders],
    )
    tell("")
    _tell_reconciliations(now)


def _tell_batches(now: Status) -> None:
    if not now.batches:
        say("no_troubled_batches")
        return
    table(
        word("batches_troubled"),
        ("batch", "state", "attempts", "next_attempt", "reason"),
        [
            (
                line.batch_id[:SHOWN],
                line.state_text[mode.lang],
                line.attempts,
                line.next_attempt_at,
                f"{line.failure_code or ''} {line.failure_text.get(mode.lang, '')}".strip(),
            )
            for line in now.batches[:MOST]
        ],
        prose="reason",
    )
    if len(now.batches) > MOST:
        say("more_batches", count=len(now.batches) - MOST)


def _tell_quarantine(now: Status) -> None:
    table(
        word("quarantine", count=now.totals["quarantine_open"]),
        ("records", "source", "code", "reason"),
        [(line.count, line.source_id, line.code, title(line.code)) for line in now.quarantine[:MOST]],
    )
    if len(now.quarantine) > MOST:
        say("more_reasons", count=len(now.quarantine) - MOST)


def _tell_reconciliations(now: Status) -> None:
    day = max((line.business_date for line in now.reconciliations), default=None)
    for line in now.reconciliations:
        if line.business_date == day or not line.equal:
            say(
                "reconciled" if line.equal else "unequal",
                day=line.business_date,
                kind=word(f"kind.{line.kind}"),
                ours=f"{line.our_count:,}",
                theirs=f"{line.their_count:,}",
            )
