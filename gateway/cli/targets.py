"""``gw target``: receiving platforms."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import published
from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Exit, Json, leave, mode, say, show, word
from gateway.cli.tables import table
from gateway.crypto.keys import Use
from gateway.domain.moments import SHANGHAI, shanghai_text
from gateway.errors import Rejected
from gateway.messages import explain
from gateway.national.target import load_target
from gateway.reports.status import gateway_status
from gateway.stages import delivery_acts
from gateway.stages.published import pin_key
from gateway.stages.target_check import Checked, check_target

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(published.keys, name="keys", help="平台公钥：fetch, apply · the platform's keys")
app.add_typer(published.indicators, name="indicators", help="评价指标字典：fetch, apply, list · its indicators")


class Purpose(StrEnum):
    """What a platform's key is for."""

    SIG = "sig"
    ENC = "enc"


Target = Annotated[str, typer.Argument(help="目的地 · receiving platform")]


@app.command("list")
def list_targets(as_json: Json = False) -> None:
    """目的地及其状态 · receiving platforms and how they stand."""
    context = gateway()
    lines = gateway_status(context.store, context.sources, context.clock(), context.targets.pushed).targets
    show(lines)
    table(
        word("targets"),
        ("target", "name", "state", "last_success", "code"),
        [
            (
                line.target_id,
                line.title[mode.lang],
                word(f"state.{line.state}"),
                line.last_success_at,
                line.error_code,
            )
            for line in lines
        ],
    )


@app.command()
def ping(target: Target = "national", as_json: Json = False) -> None:
    """试连，不发送数据 · call the platform's ping with our credentials."""
    delivery_acts.ping_target(gateway(), target)
    show({"target": target, "ok": True})
    say("target_answers", target=target)


@app.command()
def resume(target: Target, reason: Reason = "", as_json: Json = False) -> None:
    """原因排除后恢复 · once the cause is gone: suspended batches go back to the queue."""
    why = required(reason)
    context = gateway()
    load_target(context.settings.targets_dir, target)
    batches = delivery_acts.resume_target(context, target, actor(), why)
    left = delivery_acts.left_suspended(context, target)
    show({"target": target, "batches": batches, "left": left})
    say("target_resumed", target=target, batches=batches)
    if left:
        say("target_resumed_but", left=left)


@app.command()
def suspend(target: Target, reason: Reason = "", as_json: Json = False) -> None:
    """整个目的地停发，直到恢复 · nothing goes there until somebody resumes it."""
    why = required(reason)
    delivery_acts.suspend_target(gateway(), target, actor(), why)
    show({"target": target, "suspended": True})
    say("target_suspended", target=target)


@app.command()
def check(target: Target = "national", as_json: Json = False) -> None:
    """检查密钥、应答、平台公钥和序号，不发送数据；有不通过的，退出码 5。

    · Keys, answer, the platform's keys, the sequence on both sides; nothing is sent. Exit code 5 if any is wrong.
    """
    found = check_target(gateway(), target)
    show([_document(line) for line in found])
    table(
        "",
        ("step", "result", "detail"),
        [(word(f"check.{line.step}"), word("ok") if line.ok else word("not_ok"), _detail(line)) for line in found],
        prose="detail",
    )
    leave(Exit.DONE if all(line.ok for line in found) else Exit.MISCONFIGURED)


@app.command()
def maintenance(
    target: Target,
    start: Annotated[str, typer.Option("--from", help="开始，缺省现在 · start, e.g. 2026-11-22T22:00; now")] = "",
    until: Annotated[str, typer.Option("--until", help="结束 · end, e.g. 2026-11-23T06:00")] = "",
    end: Annotated[bool, typer.Option("--end", help="提前结束或撤销 · end it now, or call it off")] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """维护窗口：其间不封装、不发送、不耗重试次数，到时自动恢复；不写时间则查看。

    · A window in which nothing is sealed or sent and no attempt is used up; goes on by itself. Without times: show it.
    """
    if (start and not until) or (end and (start or until)):
        raise Rejected("cli.window_unclear")
    context = gateway()
    load_target(context.settings.targets_dir, target)
    if end:
        delivery_acts.end_maintenance(context, target, actor(), required(reason))
        show({"target": target, "maintenance": None})
        say("maintenance_ended", target=target)
        return
    if until:
        begins = moment(start) if start else context.clock()
        delivery_acts.plan_maintenance(context, target, begins, moment(until), actor(), required(reason))
    window = delivery_acts.show_target(context, target).maintenance
    show({"target": target, "maintenance": None if window is None else window._asdict()})
    if window is None:
        say("maintenance_none", target=target)
    else:
        say("maintenance", target=target, start=shanghai_text(window.start), end=shanghai_text(window.end))


def moment(text_: str) -> datetime:
    """A local (Asia/Shanghai) date and time, or one with an offset; ``Rejected('cli.time_invalid')``."""
    try:
        read = datetime.fromisoformat(text_)
        read = read if read.tzinfo is not None else read.replace(tzinfo=SHANGHAI)
        return read.astimezone(UTC).astimezone(SHANGHAI)  # as it will be stored and shown: some can't be
    except (ValueError, OverflowError) as invalid:
        raise Rejected("cli.time_invalid", time=text_) from invalid


def _detail(line: Checked) -> str:
    if line.error is not None:
        return f"{line.error.code} {explain(line.error, mode.lang)}"
    return word(f"check.{line.step}.found", **line.figures)


def _document(line: Checked) -> dict[str, object]:
    return {"step": line.step, "ok": line.ok, "code": line.error and line.error.code, **line.figures}


@app.command()
def pin(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="平台公钥 PEM · a public key as PEM")],
    purpose: Annotated[Purpose, typer.Option("--use", help="sig 验签 · enc 加密")],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """登记平台公钥：验签或加密 · pin a public key of the platform, for its signatures or for sealing to it."""
    use: Use = "enc" if purpose is Purpose.ENC else "sig"
    pinned = pin_key(gateway(), file.read_bytes(), use, actor(), reason.strip())
    show({"pinned": pinned})
    say("key_pinned", path=pinned)
