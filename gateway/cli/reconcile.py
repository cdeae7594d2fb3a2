"""``gw reconcile``: compare with the platform; look at differences, repair them, put names to a day's result."""

from __future__ import annotations

import os
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.flow import Target, business_day, reconcilings
from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Exit, Json, leave, mode, say, show, tell, word
from gateway.cli.reports import Format
from gateway.cli.tables import table
from gateway.cli.walk import walk
from gateway.domain.moments import shanghai
from gateway.domain.wire import KIND_ORDER
from gateway.errors import Misconfigured, Rejected
from gateway.stages import reconcile_acts as acts
from gateway.stages import recover as recovery
from gateway.stages import unheard
from gateway.stages.reconcile_acts import Chosen, RepairAct

app = typer.Typer(add_completion=False)
Day = Annotated[str, typer.Argument(metavar="yyyy-MM-dd", help="业务日 · business day")]
Yes = Annotated[bool, typer.Option("--yes", help="确认执行，缺省只演练 · really do it; a rehearsal without")]
LISTED = 31


@app.callback(invoke_without_command=True)
def compare(
    context: typer.Context,
    day: Annotated[
        str | None,
        typer.Option("--date", metavar="yyyy-MM-dd", help="业务日，缺省为未对平的各日 · business day; all that wait"),
    ] = None,
    target: Target = "national",
    as_json: Json = False,
) -> None:
    """与国家平台对账：逐日逐类比对数量与摘要；不符的另有处置命令。

    · Compare counts and digests per day and kind with the platform; what differs has commands of its own.
    """
    if context.invoked_subcommand is not None:
        return
    chosen = None if day is None else business_day(day)
    opened = gateway()
    walk(opened, reconcilings(opened, chosen, target))


@app.command("list")
def list_days(
    days: Annotated[int, typer.Option(min=1, max=3660, help="最近多少天 · the last so many days")] = LISTED,
    target: Target = "national",
    as_json: Json = False,
) -> None:
    """对过账的各日，最新在前 · days that were compared, newest first."""
    context = gateway()
    today = shanghai(context.clock()).date()
    lines = acts.list_days(context, target, (today - timedelta(days=days)).isoformat(), today.isoformat())
    show([{**_plain(line), "open": line.open} for line in lines])
    table(
        word("reconcile.days"),
        ("day", "reconcile.result", "reconcile.open", "reconcile.disputed", "reconcile.names", "reconcile.checked"),
        [
            (
                line.business_date,
                word("reconcile.equal" if all(one.equal for one in line.kinds) else "reconcile.unequal"),
                sum(line.open.values()),
                line.disputed,
                "、".join(line.signers),
                line.checked_at,
            )
            for line in lines
        ],
    )


@app.command("show")
def show_day(
    day: Day,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="最多行数 · at most so many")] = 200,
    target: Target = "national",
    as_json: Json = False,
) -> None:
    """一日的差异、建议处置、已作处置与签字；对方没有对账接口的，只列我方条数。

    · A day's differences, what is proposed, what was done, and names; our own counts where no call compares.
    """
    context = gateway()
    if target in context.targets.unheard:
        _show_own(unheard.own_day(context, target, business_day(day)))
        return
    found = acts.show_day(context, target, business_day(day), limit)
    line = found.line
    show(
        {
            **_plain(line),
            "open": line.open,
            "differences": [
                {"kind": one.kind, **one.difference._asdict(), "proposed": one.act, "proven": one.proven}
                for one in found.differences
            ],
            "repairs": [one._asdict() for one in found.repairs],
            "disputed_batches": found.disputed,
            "signatures": [one._asdict() for one in found.signatures],
        }
    )
    table(
        f"{word('reconcile.day')} {line.business_date}",
        ("kind", "reconcile.ours", "reconcile.theirs", "reconcile.expected", "reconcile.result"),
        [
            (_kind(k.kind), k.our_count, k.their_count, k.expected, word(f"reconcile.{'' if k.equal else 'un'}equal"))
            for k in line.kinds
        ],
    )
    table(
        word("reconcile.differences"),
        ("kind", "record", "reconcile.class", "reconcile.our_version", "reconcile.their_version", "reconcile.proposed"),
        [
            (
                _kind(one.kind),
                one.difference.record_key,
                word(f"reconcile.class.{one.difference.difference}"),
                one.difference.our_version,
                one.difference.their_version,
                _act(one.act) + (f" ✓ {word('reconcile.proven')}" if one.proven else ""),
            )
            for one in found.differences
        ],
    )
    if found.repairs:
        table(
            word("reconcile.repairs"),
            ("kind", "record", "act", "actor", "time", "reason"),
            [(_kind(r.kind), r.record_key, _act(r.act), r.actor, r.done_at, r.reason) for r in found.repairs],
            prose="reason",
        )
    for batch in found.disputed:
        say("reconcile.disputed_batch", batch=batch)
    for name in found.signatures:
        say("reconcile.signature", signer=name.signer, reason=name.reason)


@app.command()
def repair(
    day: Day,
    act: Annotated[RepairAct, typer.Option("--act", help="处置：重发、隔离、认可 · what to do")],
    kind: Annotated[str | None, typer.Option(help="种类 · " + ", ".join(KIND_ORDER))] = None,
    difference: Annotated[
        str | None, typer.Option("--class", help="类别 · missing_there, missing_here, differing")
    ] = None,
    key: Annotated[list[str] | None, typer.Option("--key", help="主键，可多次 · record key; may be repeated")] = None,
    proven: Annotated[bool, typer.Option("--proven", help="只取有回执为证的 · only what a receipt proves")] = False,
    yes: Yes = False,
    reason: Reason = "",
    target: Target = "national",
    as_json: Json = False,
) -> None:
    """处置差异：先演练，确认后执行 · repair differences; a rehearsal unless --yes."""
    if kind is not None and kind not in KIND_ORDER:
        raise Rejected("reconcile.kind_unknown", kind=kind, known=", ".join(KIND_ORDER))
    if difference is not None and difference not in acts.PROPOSED:
        raise Rejected("reconcile.class_unknown", given=difference, known=", ".join(acts.PROPOSED))
    why = required(reason) if yes else ""
    chosen = Chosen((kind,) if kind else tuple(KIND_ORDER), difference, tuple(key or ()), proven)
    report = acts.repair(gateway(), target, business_day(day), act, actor(), why, chosen, dry_run=not yes)
    show(report)
    for one in report.batches:
        outcome = word(f"reconcile.outcome.{one.outcome}") if one.outcome in OUTCOMES else one.outcome
        say("reconcile.batch", batch=one.batch_id, outcome=outcome)
    say("reconcile.rehearsed" if report.dry_run else "reconcile.repaired", act=_act(act), **_figures(report))
    leave(Exit.DONE if report.dry_run or report.done == report.chosen else Exit.PARTLY)


@app.command()
def sign(day: Day, reason: Reason = "", target: Target = "national", as_json: Json = False) -> None:
    """对一日的结论签字；第二人签字后，对账不符的批次即为已对账。对方没有对账接口的，先与其核对条数。

    · Put your name to a day's result; two are needed. Where no call compares, compare the counts with them first.
    """
    context, why = gateway(), required(reason)
    if target in context.targets.unheard:
        names, moved = unheard.sign_own_day(context, target, business_day(day), actor(), why)
    else:
        names, moved = acts.sign_day(context, target, business_day(day), actor(), why), None
    show({"business_date": day, "signers": names, "needed": acts.NAMES, "batches": moved})
    say("reconcile.signed" if len(names) >= acts.NAMES else "reconcile.one_name", day=day, names="、".join(names))


@app.command()
def recover(
    since: Annotated[str | None, typer.Option("--from", metavar="yyyy-MM-dd", help="从哪日起比对 · first day")] = None,
    yes: Yes = False,
    reason: Reason = "",
    target: Target = "national",
    as_json: Json = False,
) -> None:
    """恢复备份之后：查平台多出的序号、回执与记录，续接序列 · after a restored backup: find what is there."""
    first = None if since is None else business_day(since)
    why = required(reason) if yes else ""
    report = recovery.recover(gateway(), target, actor(), why, since=first, dry_run=not yes)
    show(report)
    found = report.sequence
    say("reconcile.sequence", ours=found.our_last, theirs=found.their_highest, count=found.unknown_here)
    for batch in (*found.unknown_there, *found.clashing):
        say("reconcile.sequence_batch", batch=batch)
    for batch in found.unproven:
        say("reconcile.sequence_unproven", batch=batch)
    say("reconcile.receipts", asked=report.asked, count=report.receipts)
    if report.passed:
        say("reconcile.passed", count=report.passed)
    for one in report.days:
        open_now = sum(kind.differing for kind in one.kinds)
        say("reconcile.day_open", day=one.business_date, count=open_now)
    if not yes:
        say("reconcile.recover_rehearsed")
    waits = any(not one.agreed for one in report.days) or (found.behind and not report.passed) or found.unproven
    leave(Exit.PARTLY if waits else Exit.DONE)


@app.command()
def statement(
    month: Annotated[str, typer.Argument(metavar="yyyy-MM", help="月份 · month")],
    form: Annotated[Format, typer.Option("--format", help="格式 · format")] = Format.HTML,
    file: Annotated[Path | None, typer.Option("--out", help="文件，- 为标准输出 · file; - is stdout")] = None,
    target: Target = "national",
    as_json: Json = False,
) -> None:
    """对账月报，主键脱敏 · the monthly statement; keys are masked."""
    from gateway.reports import statement as reports  # the drawing libraries load only here

    context = gateway()
    try:
        date.fromisoformat(f"{month}-01")
    except ValueError:
        raise Rejected("cli.date_invalid", date=month) from None
    made = reports.statement(context, context.settings.sender, target, month, context.clock())
    body = {
        Format.JSON: lambda: reports.as_json(made),
        Format.HTML: lambda: reports.as_html(made, mode.lang),
        Format.XLSX: lambda: reports.as_xlsx(made, mode.lang),
    }[form]()
    path = file or Path(f"statement-{target}-{month.replace('-', '')}.{form}")
    if str(path) == "-":
        sys.stdout.buffer.write(body)
        return
    _write_whole(path, body)
    show({"file": str(path), "open": len(made.open), "days_missing": made.days_missing})
    tell(word("reconcile.statement", file=path, open=len(made.open), missing=len(made.days_missing)))


def _show_own(day: unheard.OwnDay) -> None:
    show(
        {
            "business_date": day.business_date,
            "counts": day.counts,
            "digest": day.digest,
            "waiting": day.waiting,
            "signatures": [one._asdict() for one in day.signatures],
        }
    )
    table(
        f"{word('reconcile.day')} {day.business_date}",
        ("kind", "reconcile.ours"),
        [(_kind(kind), count) for kind, count in day.counts.items()],
    )
    say("reconcile.unheard", count=len(day.waiting))
    for name in day.signatures:
        say("reconcile.signature", signer=name.signer, reason=name.reason)


OUTCOMES = frozenset({"resent", "would_resend", "known_there", "bytes_gone"})


def _write_whole(path: Path, body: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(body)
        draft.replace(path)
    except OSError as failed:
        draft.unlink(missing_ok=True)
        raise Misconfigured("conformance.unwritable", file=str(path), cause=type(failed).__name__) from failed


def _plain(line: acts.DayLine) -> dict[str, object]:
    return {
        "business_date": line.business_date,
        "kinds": [{**one._asdict(), "equal": one.equal} for one in line.kinds],
        "checked_at": line.checked_at,
        "disputed": line.disputed,
        "signers": line.signers,
    }


def _figures(report: acts.RepairReport) -> dict[str, int]:
    return {"chosen": report.chosen, "done": report.done}


def _kind(kind: str) -> str:
    return word(f"kind.{kind}")


def _act(act: str) -> str:
    return word(f"reconcile.act.{act}")
