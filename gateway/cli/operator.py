"""Who acts, and why: every act of a person goes to the audit with both."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer

from gateway.cli.output import mode
from gateway.errors import Rejected

Reason = Annotated[str, typer.Option("--reason", help="原因，记入审计 · why; goes to the audit")]


def actor() -> str:
    """The person at the keyboard, as the operating system knows them."""
    return f"cli:{getpass.getuser()}"


def required(reason: str) -> str:
    """``reason``, asked for at a terminal; ``Rejected('act.reason_missing')`` without one."""
    if not reason.strip() and not mode.json and sys.stdin.isatty():
        reason = str(typer.prompt("原因 reason", default="", show_default=False, err=True))
    if not reason.strip():
        raise Rejected("act.reason_missing")
    return reason.strip()
