"""What a command prints: sentences for people, one JSON document with ``--json``; and how it ends."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from datetime import date, datetime
from enum import Enum, IntEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from gateway.domain.moments import shanghai
from gateway.errors import GatewayError, Misconfigured, Rejected, Transient
from gateway.messages import Lang, catalogue, explain, text


class Exit(IntEnum):
    """Exit codes of ``gw``; 2 stays with wrong usage, as everywhere."""

    DONE = 0
    FAILED = 1  # a fault of ours; evidence is on stderr
    USAGE = 2
    PARTLY = 3  # some of it waits or failed; told line by line
    REFUSED = 4  # what was asked is not possible, or the data is wrong
    MISCONFIGURED = 5  # an operator must change something first
    LATER = 6  # the other side is not there: try again later
    INTERRUPTED = 130  # Ctrl-C
    UNREAD = 141  # nobody reads our output any more (``gw … | head``)


UNBOUND = 10_000  # columns of a pipe or file: nothing is wrapped there, each row is one line


class _Mode:
    """How this process speaks; set once from the global options."""

    json = False
    lang: Lang = "zh"
    verbose = False
    told = False  # one document has been written: there is never a second one


mode = _Mode()


def _speak_json(chosen: bool) -> bool:
    mode.json = mode.json or chosen
    return chosen


Json = Annotated[bool, typer.Option("--json", help="机器可读 · one JSON document", callback=_speak_json, is_eager=True)]


class _Screen(Console):
    """A console whose reader may go away (``gw … | head``): then the process ends without another word."""

    def on_broken_pipe(self) -> None:
        unread()


def unread() -> NoReturn:
    """End the process: nobody reads its output any more."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())  # the interpreter flushes once more at its end
    raise SystemExit(int(Exit.UNREAD))


out = _Screen(highlight=False, soft_wrap=True)
err = _Screen(stderr=True, highlight=False, soft_wrap=True)


def word(key: str, /, **params: Any) -> str:
    return text(f"cli.{key}", mode.lang, **params)


def title(code: str | None) -> str:
    """A code's few words, where it has some: for lists, which have no value to fill a sentence with."""
    return catalogue(mode.lang).get(f"reason.{code}", "")


def say(key: str, /, **params: Any) -> None:
    """A sentence for people; silent with ``--json``."""
    tell(word(key, **params))


def tell(line: str) -> None:
    """A line for people; silent with ``--json``."""
    if not mode.json:
        out.print(line, markup=False)


def show(document: Any) -> None:
    """One JSON document, only with ``--json``."""
    if mode.json and not mode.told:
        mode.told = True
        try:
            sys.stdout.write(json.dumps(document, default=plain, ensure_ascii=False, indent=2) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            unread()


def plain(value: Any) -> Any:
    """What json can't say by itself: moments as RFC 3339 with offset, dataclasses as objects."""
    if isinstance(value, datetime):
        return shanghai(value).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def failure(error: GatewayError) -> Exit:
    """Tell ``error`` and say how the process ends."""
    return refuse(error.code, explain(error, mode.lang), exit_for(error), error.params)


def refuse(code: str, sentence: str, ending: Exit, params: dict[str, Any] | None = None) -> Exit:
    """Tell what went wrong: on stderr, or as the one JSON document."""
    if mode.json:
        show({"error": code, "message": sentence, "params": params or {}, "exit": int(ending)})
    else:
        err.print(f"[bold red]{code}[/] ", end="")
        err.print(sentence, markup=False)
    return ending


def exit_for(error: GatewayError) -> Exit:
    if isinstance(error, Misconfigured):
        return Exit.MISCONFIGURED
    if isinstance(error, Transient):
        return Exit.LATER
    return Exit.REFUSED if isinstance(error, Rejected) else Exit.FAILED


def leave(code: Exit) -> None:
    """End the command with ``code`` unless it is plainly done."""
    if code is not Exit.DONE:
        raise typer.Exit(int(code))
