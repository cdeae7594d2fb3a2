"""``gw`` as a real process, forked from the server that has imported it."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

from gateway import crash
from gateway.bootstrap import open_context
from gateway.cli import opening
from gateway.cli.app import main
from gateway.stages.context import system_clock
from tests.deployment import ROOT, Deployment
from tests.forkserver import SERVER

KILLED = -9
WAIT_SECONDS, SAYING_SECONDS = 300, 2
Breaking = Callable[[], None]


def begin(
    town: Deployment,
    *command: str,
    crash_at: str = "",
    shift: float = 0.0,
    breaking: Breaking | None = None,
    log: Path | None = None,
) -> BaseProcess:
    """``gw`` of that town, on its way. ``crash_at``: a crash point; ``shift``: seconds by which its clock is wrong;
    ``breaking``: what is done to its code before it starts; ``log``: what it says, by default added to the town's."""
    environment = town.environment() | {crash.SETTING: crash_at}
    said = str(log or town.var / "gw.log")
    process = SERVER.Process(target=_gw, args=(command, environment, shift, breaking, said))
    process.start()
    return process


def end(process: BaseProcess) -> int:
    """Its exit code, once it has one; -9 after SIGKILL."""
    process.join(WAIT_SECONDS)
    if process.exitcode is None:
        os.kill(process.pid or 0, signal.SIGUSR1)  # it says in its log where it stands
        process.join(SAYING_SECONDS)
        process.kill()
        process.join()
        raise AssertionError("gw did not come to an end")
    code = process.exitcode
    process.close()
    return code


def gw(
    town: Deployment, *command: str, crash_at: str = "", shift: float = 0.0, breaking: Breaking | None = None
) -> int:
    """Run it to its end, or to its crash point."""
    return end(begin(town, *command, crash_at=crash_at, shift=shift, breaking=breaking))


def _gw(
    command: tuple[str, ...], environment: Mapping[str, str], shift: float, breaking: Breaking | None, log: str
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(told, stream.fileno())
    faulthandler.register(signal.SIGUSR1)
    opening.open_context = partial(open_context, clock=partial(_wrong_clock, timedelta(seconds=shift)))
    if breaking is not None:
        breaking()
    crash.arm(environment[crash.SETTING])
    main(command)


def _wrong_clock(shift: timedelta) -> datetime:
    return system_clock() + shift
