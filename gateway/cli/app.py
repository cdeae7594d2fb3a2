"""The front door of ``gw``: global options, endings, and no traceback for anyone but who asks for one."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import structlog
import typer

from gateway.cli.ending import ended
from gateway.cli.output import UNBOUND, mode, out
from gateway.cli.tree import Tree
from gateway.errors import GatewayError
from gateway.messages import Lang
from gateway.settings import load

app = typer.Typer(
    name="gw",
    cls=Tree,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Language(StrEnum):
    """What operators may read."""

    ZH = "zh"
    EN = "en"


def _speak(chosen: Language | None) -> Language | None:
    if chosen is not None:
        mode.lang = "en" if chosen is Language.EN else "zh"
    return chosen


@app.callback()
def options(
    lang: Annotated[
        Language | None,
        typer.Option(help="文字语言，缺省 GW_LANG 或 zh · language; GW_LANG or zh", callback=_speak, is_eager=True),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="机器可读，也可写在末尾 · one JSON document")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="运行日志与故障栈写到 stderr · log lines and tracebacks on stderr")
    ] = False,
) -> None:
    """政务服务“好差评”对接网关。

    退出码：0 完成；1 程序故障；2 用法有误；3 部分完成或尚有待处理；4 请求被拒绝；5 须先改配置；6 对端不可达，稍后再试。
     · The gateway between a province's evaluations and the national platform.

    Exit codes: 0 done; 1 our fault; 2 wrong usage; 3 partly done, or something still waits; 4 refused; 5 an operator
    must change something first; 6 the other side is away, try later.
    """
    mode.json = mode.json or as_json
    if verbose:
        mode.verbose = True
        _log(logging.INFO)


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: whatever happens ends in one sentence and its exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    mode.lang, mode.json, mode.verbose, mode.told = _language(), "--json" in arguments, False, False
    if not out.is_terminal:
        out.width = UNBOUND
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    _log(logging.CRITICAL)
    try:
        code = ended(lambda: app(arguments, prog_name="gw", standalone_mode=False))
    finally:
        close()
    raise SystemExit(code)


def close() -> None:
    """Close what the command opened, if it opened anything at all."""
    opening = sys.modules.get("gateway.cli.opening")
    if opening is not None:
        opening.opened.close()


def _log(level: int) -> None:
    """Log lines go to stderr, and only when asked for: what an operator must know stands in the output."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    root = logging.getLogger()  # libraries warn through the standard library, which would print without a handler
    if level < logging.CRITICAL:
        root.addHandler(logging.StreamHandler(sys.stderr))
    elif not root.handlers:
        root.addHandler(logging.NullHandler())


def _language() -> Lang:
    try:
        return "en" if load().lang == "en" else "zh"
    except GatewayError:
        return "en" if os.environ.get("GW_LANG") == "en" else "zh"
