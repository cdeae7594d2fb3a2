"""``gw target``: receiving platforms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.bootstrap import open_context
from gateway.cli.operator import Reason, actor
from gateway.cli.output import Json, say, show, table, word
from gateway.crypto.keys import KeyFolder
from gateway.reports.status import gateway_status
from gateway.settings import load
from gateway.stages import operate

app = typer.Typer(no_args_is_help=True)
Target = Annotated[str, typer.Argument(help="目的地 · receiving platform")]


@app.command("list")
def list_targets(as_json: Json = False) -> None:
    """目的地及其状态 · receiving platforms and how they stand."""
    lines = gateway_status(open_context()).targets
    show(lines)
    table(
        word("targets"),
        [word("target"), word("state"), word("last_success"), word("code")],
        [(f"{line.name} {line.target_id}", word(f"state.{line.state}"), line.last_success_at, line.error_code) for line in lines],
    )


@app.command()
def ping(target: Target = "national", as_json: Json = False) -> None:
    """试连，不发送数据 · call the platform's ping with our credentials."""
    operate.ping_target(open_context(), target)
    show({"target": target, "ok": True})
    say("target_answers", target=target)


@app.command()
def resume(target: Target, reason: Reason, as_json: Json = False) -> None:
    """原因排除后恢复 · once the cause is gone: suspended batches go back to the queue."""
    resumed = operate.resume_target(open_context(), target, actor(), reason)
    show({"target": target, "resumed": resumed})
    say("target_resumed" if resumed else "target_not_suspended", target=target)


@app.command()
def pin(
    folder: Annotated[Path, typer.Argument(help="平台公钥 PEM 所在文件夹 · folder of the platform's public keys")],
    as_json: Json = False,
) -> None:
    """登记平台公钥：sig-*.pem 验签，enc-*.pem 加密 · pin the platform's keys by file name: sig-*.pem, enc-*.pem."""
    keys = KeyFolder(load().key_folder)
    pinned = [
        str(keys.pin(path.read_bytes(), "sig" if path.name.startswith("sig") else "enc"))
        for path in sorted(folder.glob("*.pem"))
        if path.name.startswith(("sig", "enc"))
    ]
    show({"pinned": pinned})
    say("keys_pinned", count=len(pinned))
