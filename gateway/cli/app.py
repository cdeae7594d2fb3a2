"""The command tree of ``gw`` and its front door."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import structlog
import typer

from gateway.cli import batches, flow, integrity, orders, quarantine, sandbox, setup, sources, status, targets
from gateway.cli.output import failure, mode
from gateway.errors import GatewayError

app = typer.Typer(
    name="gw",
    help="政务服务“好差评”对接网关 · the gateway between a province's evaluations and the national platform.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (setup, flow, status):
    for command in group.COMMANDS:
        app.command()(command)
app.add_typer(batches.app, name="batch", help="批次 · sealed batches: list, show, retry")
app.add_typer(quarantine.app, name="quarantine", help="隔离区 · refused records: list, show, replay")
app.add_typer(integrity.app, name="integrity", help="数据真实性 · patterns in the ledger: check, report, list")
app.add_typer(orders.app, name="order", help="工单 · work orders: list, show")
app.add_typer(sources.app, name="source", help="数据源 · sources: list, check, try, resume")
app.add_typer(targets.app, name="target", help="目的地 · receiving platforms: list, ping, resume")
app.add_typer(sandbox.app, name="sandbox", help="沙箱 · five doubles as real servers on loopback: up, down")


@app.callback()
def options(
    lang: Annotated[str, typer.Option(help="zh | en", envvar="GW_LANG")] = "zh",
) -> None:
    """退出码 / exit codes: 0 完成 done · 1 故障 our fault · 2 用法 usage · 3 部分完成 partly · 4 拒绝 refused ·
    5 需改配置 an operator must act · 6 稍后再试 try later."""
    mode.lang = "en" if lang == "en" else "zh"


def main() -> None:
    """The entry point: a known failure ends in one sentence and its exit code, never in a traceback."""
    mode.lang = "en" if os.environ.get("GW_LANG") == "en" else "zh"
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        app()
    except GatewayError as error:
        raise SystemExit(int(failure(error))) from error


if __name__ == "__main__":
    main()
