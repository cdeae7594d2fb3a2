"""``gw batch``: what a person does to batches: retry, suspend, resume, cancel, split, restore, resolve, and confirm."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.flow import business_day
from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Exit, Json, leave, mode, say, show, title, word
from gateway.cli.tables import table
from gateway.domain.batch import BatchState
from gateway.domain.batch_act import FITS, BatchAct
from gateway.domain.failure import FailureClass
from gateway.errors import Rejected
from gateway.messages import catalogue
from gateway.national.target import load_target
from gateway.reports.waiting import SHOWN
from gateway.stages import batch_acts, delivery_acts, second_person
from gateway.stages.batch_acts import ActReport, Order, Outcome
from gateway.stages.context import Context
from gateway.store.batch_ids import BatchFilter

app = typer.Typer(add_completion=False)
SLOWEST = 1 / 3600  # batches a second
WHERE = ("state", "code", "class", "date", "target")
Ids = Annotated[list[str] | None, typer.Argument(help="批次号，可多个 · ids, or their first characters")]
Everyone = Annotated[
    bool, typer.Option("--all", help="所有适合的批次，配合 --where；缺省只演练 · all that fit; a dry run by default")
]
Where = Annotated[
    list[str] | None,
    typer.Option(help="条件，如 code=http.500，可多个：" + ", ".join(WHERE) + " · conditions, e.g. code=http.500"),
]
Dry = Annotated[bool, typer.Option("--dry-run", help="只演练 · say what would be done, do nothing")]
Yes = Annotated[bool, typer.Option("--yes", help="与 --all 同用：真正执行 · with --all: do it")]
Rate = Annotated[float, typer.Option(min=0, help="每秒批次数，0 不限 · batches a second, 0: as fast as it goes")]


def _plain(act: BatchAct, told: str) -> None:
    """The command of an act that needs nothing but its batches and a reason."""

    def command(
        batch_ids: Ids = None,
        everyone: Everyone = False,
        where: Where = None,
        rate: Rate = 0,
        dry_run: Dry = False,
        yes: Yes = False,
        reason: Reason = "",
        as_json: Json = False,
    ) -> None:
        _act(act, batch_ids, everyone, where, dry_run, yes, reason, rate=rate)

    app.command(act.value, help=told)(command)


_plain(
    BatchAct.RETRY,
    "以原字节、原批次号重发 · the same bytes under the same id, after asking for what may have gone.",
)
_plain(BatchAct.SUSPEND, "挂起，不耗重试次数 · hold batches back; no attempt is used up.")
_plain(BatchAct.RESUME, "恢复挂起的批次 · let suspended batches go on.")
_plain(BatchAct.CANCEL, "取消未送达的批次，其记录另行组批 · cancel what never arrived; its records go later.")
_plain(
    BatchAct.RESOLVE,
    "登记对账不符的结论，须第二人复核 · record how a dispute was settled; a second person confirms.",
)


@app.command()
def split(
    batch_ids: Ids = None,
    parts: Annotated[int, typer.Option(min=2, max=100, help="份数 · how many parts")] = 2,
    everyone: Everyone = False,
    where: Where = None,
    rate: Rate = 0,
    dry_run: Dry = False,
    yes: Yes = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """取消并拆成几批重新封装 · cancel, and seal its records anew in several batches."""
    _act(BatchAct.SPLIT, batch_ids, everyone, where, dry_run, yes, reason, rate=rate, parts=parts)


@app.command()
def restore(
    batch_ids: Ids = None,
    file: Annotated[
        Path | None,
        typer.Option("--from", exists=True, dir_okay=False, help="原始批次文件 · the batch's original bytes"),
    ] = None,
    everyone: Everyone = False,
    where: Where = None,
    rate: Rate = 0,
    dry_run: Dry = False,
    yes: Yes = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """已中断的批次：找回原字节后继续 · an interrupted batch goes on with its original bytes, never with others."""
    body = None if file is None else file.read_bytes()
    _act(BatchAct.RESTORE, batch_ids, everyone, where, dry_run, yes, reason, rate=rate, body=body)


@app.command()
def approve(
    approval_id: Annotated[
        str | None, typer.Argument(help="复核号；缺省列出待复核的 · its id; none: list them")
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """第二人复核并执行；不写复核号则列出 · confirm what another person asked for; without an id, list it."""
    context = gateway()
    if approval_id is None:
        waiting = second_person.approvals_waiting(context)
        show([one._asdict() for one in waiting])
        table(
            word("approvals"),
            ("approval", "act", "batches", "actor", "time", "reason"),
            [
                (one.approval_id, word(f"act.{one.act}"), len(one.batch_ids), one.asked_by, one.asked_at, one.reason)
                for one in waiting
            ],
            prose="reason",
        )
        return
    _tell(second_person.approve(context, approval_id, actor(), required(reason)))


@app.command()
def decline(
    approval_id: Annotated[str, typer.Argument(help="复核号 · the approval's id")],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """不同意，或申请人撤回：一个批次也不动 · not to be done, or taken back by whoever asked: no batch is touched."""
    second_person.decline(gateway(), approval_id, actor(), required(reason))
    show({"approval_id": approval_id, "declined": True})
    say("act_declined", approval=approval_id)


def _act(
    act: BatchAct,
    batch_ids: list[str] | None,
    everyone: bool,
    where: list[str] | None,
    dry_run: bool,
    yes: bool,
    reason: str,
    **needs: Any,
) -> None:
    if everyone == bool(batch_ids) or (where and not everyone):
        raise Rejected("cli.batches_or_all")
    if 0 < needs.get("rate", 0) < SLOWEST:
        raise Rejected("cli.rate_invalid", rate=needs["rate"])
    dry_run = dry_run or (everyone and not yes)
    why = "" if dry_run else required(reason)
    context = gateway()
    ids = _chosen(context, act, where or []) if everyone else _named(context, batch_ids or [])
    order = Order(act, actor(), why, dry_run=dry_run, **needs)
    if len(ids) == 1 and not (dry_run or everyone or FITS[act].two):
        _tell(ActReport(act, False, (batch_acts.act_on_one(context, order, ids[0]),)))
    else:
        _tell(batch_acts.act_on(context, order, ids))


def _named(context: Context, batch_ids: list[str]) -> list[str]:
    return list(dict.fromkeys(delivery_acts.find_id(context, batch_id) for batch_id in batch_ids))


def _chosen(context: Context, act: BatchAct, where: list[str]) -> list[str]:
    meant = wanted(where)
    if meant.target_id is not None and not delivery_acts.knows_target(context, meant.target_id):
        load_target(context.settings.targets_dir, meant.target_id)
    return batch_acts.choose(context, meant, act)


def wanted(where: list[str]) -> BatchFilter:
    """``name=value[,value…]``, several of them; ``Rejected('cli.where_invalid')``."""
    given: dict[str, list[str]] = {}
    for condition in where:
        name, equals, values = condition.partition("=")
        if name not in WHERE or not equals or not values:
            raise Rejected("cli.where_invalid", where=condition, known=", ".join(WHERE))
        given.setdefault(name, []).extend(values.split(","))
    states = given.get("state", [])
    if unknown := [state for state in states if state.upper() not in set(BatchState)]:
        raise Rejected("cli.state_unknown", state=unknown[0], known=", ".join(BatchState))
    classes = [value.upper() for value in given.get("class", [])]
    if strange := [name for name in classes if name not in set(FailureClass)]:
        raise Rejected("cli.class_unknown", name=strange[0], known=", ".join(FailureClass))
    if len(given.get("target", [])) > 1:
        raise Rejected("cli.where_invalid", where="target=…,…", known=", ".join(WHERE))
    return BatchFilter(
        target_id=next(iter(given.get("target", [])), None),
        states=tuple(BatchState(state.upper()) for state in states),
        codes=tuple(given.get("code", [])),
        classes=tuple(classes),
        business_dates=tuple(business_day(day) for day in given.get("date", [])),
    )


def _tell(report: ActReport) -> None:
    show(
        {
            "act": report.act,
            "dry_run": report.dry_run,
            "approval_id": report.approval_id,
            "done": report.done,
            "batches": report.outcomes,
        }
    )
    table(
        word(f"act.{report.act}"),
        ("batch", "seq", "result", "state", "reason"),
        [
            (one.batch_id[:SHOWN], one.seq, word(f"outcome.{one.result}"), one.state, _why(one))
            for one in report.outcomes
        ],
        prose="reason",
    )
    counts = {"done": report.done, "count": len(report.outcomes)}
    if report.approval_id is not None:
        say("act_asked", approval=report.approval_id, **counts)
    else:
        say("act_dry" if report.dry_run else "act_done", **counts)
    leave(Exit.DONE if report.complete else Exit.PARTLY)


def _why(outcome: Outcome) -> str:
    if outcome.code is None:
        return ""
    known = catalogue(mode.lang).get(f"why.{outcome.code}") or title(outcome.code)
    return f"{outcome.code} {known}".strip()
