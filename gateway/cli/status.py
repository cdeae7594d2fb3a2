"""``gw status``: the whole gateway at a glance, and what waits for whom."""

from __future__ import annotations

from gateway.bootstrap import open_context
from gateway.cli.output import Exit, Json, leave, mode, out, say, show, table, word
from gateway.reports.status import Status, Words, document, gateway_status

FIGURES = ("landed", "stored", "quarantined", "duplicate", "unrated", "pending_pages")


def status(as_json: Json = False) -> None:
    """总览：数据源、上报、工单、隔离区、对账 · the whole gateway at a glance; exit 3 while something needs a person."""
    context = open_context()
    now = gateway_status(context.store, context.sources, context.clock())
    show(document(now))
    if not mode.json:
        _tell(now)
    leave(Exit.PARTLY if now.trouble else Exit.DONE)


COMMANDS = (status,)


def _tell(now: Status) -> None:
    table(
        word("sources", day=now.day),
        [word("source"), word("state"), *(word(f"count.{figure}") for figure in FIGURES), word("reason")],
        [
            (
                f"{line.name} {line.source_id}",
                word(f"state.{line.state}"),
                *(getattr(line, figure) for figure in FIGURES),
                _reason(line.error_code, line.error_text),
            )
            for line in now.sources
        ],
    )
    table(
        word("targets"),
        [word("target"), word("state"), word("last_success"), word("reason")],
        [
            (line.name, word(f"state.{line.state}"), line.last_success_at, _reason(line.error_code, line.error_text))
            for line in now.targets
        ],
    )
    total = now.totals
    say("delivery", **{name: total[name] for name in ("ledger", "delivered", "unsent", "batches", "acknowledged")})
    if now.batches:
        table(
            word("batches_troubled"),
            [word("batch"), word("state"), word("reason"), word("attempts"), word("next_attempt")],
            [
                (
                    line.batch_id,
                    line.state_text[mode.lang],
                    _reason(line.failure_code, line.failure_text),
                    line.attempts,
                    line.next_attempt_at,
                )
                for line in now.batches
            ],
        )
    if now.quarantine:
        table(
            word("quarantine", count=total["quarantine_open"]),
            [word("code"), word("reason"), word("source"), word("records")],
            [(line.code, line.text[mode.lang], line.source_id, line.count) for line in now.quarantine],
        )
    if now.orders:
        table(
            word("orders"),
            [word("state"), word("records"), word("overdue")],
            [(f"{line.state} {line.text[mode.lang]}", line.count, line.overdue) for line in now.orders],
        )
    for line in now.reconciliations[:3]:
        out.print(
            word(
                "reconciled" if line.equal else "unequal",
                day=line.business_date,
                kind=line.kind,
                ours=line.our_count,
                theirs=line.their_count,
            ),
            markup=False,
        )


def _reason(code: str | None, words: Words) -> str:
    return "" if code is None else f"{code} {words[mode.lang]}"
