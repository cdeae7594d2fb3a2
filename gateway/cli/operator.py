"""Who acts, and why: every act of a person goes to the audit with both."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

Reason = Annotated[str, typer.Option("--reason", help="原因，记入审计 · why; goes to the audit", prompt="原因 reason")]


def actor() -> str:
    """The person at the keyboard, as the operating system knows them."""
    return f"cli:{getpass.getuser()}"
