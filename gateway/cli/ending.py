"""How a command ends: every failure in one sentence, with its exit code."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from gateway.cli.output import Exit, err, failure, mode, refuse, word
from gateway.errors import GatewayError, Misconfigured

Usage: Any = typer.BadParameter.__base__  # Click's UsageError, wherever typer keeps its Click
OURS = Path(__file__).resolve().parents[2]


def ended(command: Callable[[], Any]) -> int:
    """Run ``command``; its exit code. A known failure is told in its sentence, an unknown one by its place."""
    try:
        code = command()
    except GatewayError as error:
        _evidence(error)
        return int(failure(error))
    except Usage as wrong:
        return _misused(wrong)
    except (KeyboardInterrupt, typer.Abort):
        code = Exit.INTERRUPTED
    except FileNotFoundError as gone:
        _evidence(gone)
        return int(failure(Misconfigured("config.file_missing", path=str(gone.filename))))
    except OSError as refused:
        if refused.filename is None:
            return _fault(refused)
        _evidence(refused)
        told = Misconfigured("config.file_unusable", path=str(refused.filename), cause=refused.strerror or "")
        return int(failure(told))
    except Exception as fault:
        return _fault(fault)
    if code == Exit.INTERRUPTED:
        err.print(word("interrupted"), markup=False)
    return int(code) if isinstance(code, int) else int(Exit.DONE)


def _fault(fault: Exception) -> int:
    """A fault of ours: where, not what: an unknown exception's text may hold a value of a record."""
    _evidence(fault)
    frames = [frame for frame in traceback.extract_tb(fault.__traceback__) if Path(frame.filename).is_relative_to(OURS)]
    last = frames[-1] if frames else None
    place = f"{Path(last.filename).relative_to(OURS)}:{last.lineno}" if last else "?"
    sentence = word("fault", failure=type(fault).__name__, place=place)
    return int(refuse("bug.unexpected", sentence, Exit.FAILED, {"failure": type(fault).__name__, "place": place}))


def _evidence(failed: BaseException) -> None:
    if mode.verbose:
        err.print("".join(traceback.format_exception(failed)), markup=False)


def _misused(wrong: Any) -> int:
    """Wrong usage, in the operator's language where Click's own words are plain to translate."""
    if type(wrong).__name__ == "NoArgsIsHelpError":
        return int(Exit.USAGE)  # the help is on the screen already
    context = wrong.ctx
    detail = wrong.format_message()
    known = getattr(wrong, "possibilities", None)
    match type(wrong).__name__:
        case "NoSuchOption":
            detail = word("usage.no_option", option=wrong.option_name)
            detail += word("usage.meant", known=" ".join(sorted(known))) if known else ""
        case "MissingParameter" if wrong.param is not None:
            detail = word("usage.missing", name=wrong.param.name or "")
    path = context.command_path if context is not None else "gw"
    return int(refuse("cli.usage", word("usage", detail=detail, command=path), Exit.USAGE, {"command": path}))
