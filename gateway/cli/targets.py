"""``gw target``: receiving platforms."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.bootstrap import key_folder
from gateway.cli import published
from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Json, mode, say, show, word
from gateway.cli.tables import table
from gateway.crypto.keys import Use
from gateway.messages import text
from gateway.national.target import load_target
from gateway.reports.status import gateway_status
from gateway.settings import load
from gateway.stages import delivery_acts

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
    lines = gateway_status(context.store, context.sources, context.clock()).targets
    show(lines)
    table(
        word("targets"),
        ("target", "name", "state", "last_success", "code"),
        [
            (
                line.target_id,
                text(f"target.{line.target_id}", mode.lang),
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
    show({"target": target, "batches": batches})
    say("target_resumed", target=target, batches=batches)


@app.command()
def pin(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="平台公钥 PEM · a public key as PEM")],
    purpose: Annotated[Purpose, typer.Option("--use", help="sig 验签 · enc 加密")],
    as_json: Json = False,
) -> None:
    """登记平台公钥：验签或加密 · pin a public key of the platform, for its signatures or for sealing to it."""
    use: Use = "enc" if purpose is Purpose.ENC else "sig"
    pinned = key_folder(load()).pin(file.read_bytes(), use)
    show({"pinned": pinned})
    say("key_pinned", path=pinned)
