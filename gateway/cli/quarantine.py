"""``gw quarantine``: refused records, why, and how they get out."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.operator import actor, required
from gateway.cli.output import Json, mode, say, show, tell, title, word
from gateway.cli.tables import table
from gateway.domain import mask
from gateway.domain.problem import PROBLEMS
from gateway.errors import Rejected
from gateway.mapping.sentence import sentence
from gateway.stages.causes import Cause, causes
from gateway.stages.replay import replay as replay_records
from gateway.store import quarantine

app = typer.Typer(no_args_is_help=True, add_completion=False)
Source = Annotated[str | None, typer.Option("--source", help="数据源 · source")]
Code = Annotated[str | None, typer.Option("--code", help="原因代码 · reason's code, e.g. item.unknown")]


@app.command("list")
def list_reasons(
    source: Source = None,
    code: Annotated[str | None, typer.Option("--code", help="列出此原因的记录 · records with this reason")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """按原因汇总；给出 --code 则列记录 · grouped by reason; records of one reason with --code."""
    context = gateway()
    if source is not None:
        context.source(source)
    found = [] if code in PROBLEMS else causes(context, source)
    if code is not None and code not in PROBLEMS and code not in {cause.code for cause in found}:
        raise Rejected("cli.reason_unknown", reason=code)
    if code is None:
        show([dataclasses.asdict(cause) for cause in found])
        table(
            word("quarantine_reasons"),
            ("records", "source", "code", "reason", "explain.path", "oldest", "values"),
            [(c.records, c.source_id, c.code, title(c.code), c.source_path, c.oldest, _values(c)) for c in found],
            prose="values",
        )
        return
    with context.store.read() as transaction:
        kept = quarantine.kept(transaction, source, code, limit=limit)[:limit]
    show([one._asdict() for one in kept])
    table(
        word("quarantine", count=len(kept)),
        ("record", "source", "received"),
        [(f"{one.page_id}:{one.page_index}", one.source_id, one.received_at) for one in kept],
    )


def _values(cause: Cause) -> str:
    """The codes that came, with how often; a mark when only a part of the records was counted."""
    told = ", ".join(f"{each.value} ×{each.records}" for each in cause.values)
    return f"{told} …" if told and cause.counted < cause.records else told


@app.command("show")
def show_record(
    record: Annotated[str, typer.Argument(help="页号:序号 · page:index, as the list prints it")],
    as_json: Json = False,
) -> None:
    """一条记录的全部问题，值已脱敏 · every problem of one record, values masked."""
    page_id, _, index = record.partition(":")
    if not index.lstrip("-").isdigit():
        raise Rejected("cli.record_unknown", record=record)
    context = gateway()
    with context.store.read() as transaction:
        sealed = quarantine.detail(transaction, page_id, int(index))
    if sealed is None:
        raise Rejected("cli.record_unknown", record=record)
    row = quarantine.detail_row(page_id, int(index))
    problems = quarantine.parse_detail(context.vault.open(quarantine.DETAIL, row, sealed))
    told = [
        {
            "code": problem.code,
            "severity": problem.severity,
            "field": problem.field,
            "source_path": problem.source_path,
            "value": None if problem.value is None else mask.field(problem.field, problem.value),
            "message": sentence(problem, mode.lang),
        }
        for problem in problems
    ]
    show({"record": record, "problems": told})
    for line in told:
        tell(f"{line['severity']} {line['code']}  {line['message']}")


@app.command()
def replay(
    source: Source = None,
    code: Code = None,
    yes: Annotated[bool, typer.Option("--yes", help="真正执行；缺省只演练 · do it; a dry run by default")] = False,
    reason: Annotated[str, typer.Option("--reason", help="原因，记入审计 · why; goes to the audit")] = "",
    as_json: Json = False,
) -> None:
    """修正映射后重新归一 · map them again after a repair; a dry run first says how many will pass."""
    why = required(reason) if yes else ""
    context = gateway()
    if source is not None:
        context.source(source)
    report = replay_records(context, source, code, dry_run=not yes, actor=actor(), reason=why)
    show(report)
    say("replay_dry" if report.dry_run else "replay_done", passing=report.passing, total=report.total)
    if report.sent_again:
        say("replay_held", count=report.sent_again)
    if report.reasons:
        still = [(number, code, title(code)) for code, number in report.reasons.most_common()]
        table(word("still_refused"), ("records", "code", "reason"), still)
