"""One server a test process, which has imported what tests run beside them, and forks: a fresh interpreter spends half
a second of CPU on imports. A child is a process of its own, with its own connections and its own death.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
from collections.abc import Mapping, Sequence
from multiprocessing.reduction import DupFd
from typing import IO, Any

from sandbox import leash
from sandbox.launch import ROOT, Process

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    [
        "tests.faults.forked",
        "tests.integration.inbox.process",
        "tests.integration.hotline.test_kill_dispatch",
        "gateway.cli.flow",
        *(f"gateway.stages.{room}" for room in ("pull", "normalise", "dispatch", "push", "track", "reconcile")),
        *(f"connectors.{kind}" for kind in ("rest", "hotline", "sftp_files")),
        *(f"gateway.{room}" for room in ("cli.serve", "inbox.app", "inbox.server")),
        "sandbox.platform.server",
        "sandbox.doubles.serving",
        *(f"sandbox.doubles.{name}" for name in ("portal", "app", "hotline", "kiosk")),
        "uvicorn.lifespan.on",
        "uvicorn.loops.auto",
        "uvicorn.protocols.http.auto",
        "uvicorn.protocols.websockets.auto",
    ]
)


class Fork:
    """A double; see :class:`sandbox.launch.Process`."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], errors: IO[bytes] | None) -> None:
        (read, ours), (theirs, write) = os.pipe(), os.pipe()
        streams = [read, write, 2 if errors is None else errors.fileno()]
        self._process = SERVER.Process(target=_double, args=(list(words), dict(environment), _Streams(streams)))
        self._process.daemon = True
        self._process.start()
        for end in (read, write):
            os.close(end)
        self.pid = self._process.pid or 0
        self.stdin: IO[bytes] | None = os.fdopen(ours, "wb")
        self.stdout: IO[bytes] | None = os.fdopen(theirs, "rb")

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (code := self._process.exitcode) is None:
            raise subprocess.TimeoutExpired("a double", timeout or 0)
        return code

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


class _Streams(list[int]):
    """Standard input, output and error for a child: descriptors, which are passed on as such."""

    def __reduce__(self) -> Any:
        return list, ([DupFd(end) for end in self],)


def _double(words: list[str], environment: dict[str, str], streams: list[Any]) -> None:
    for number, end in enumerate(streams):
        os.dup2(end.detach(), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    leash.run(words)


def forked(words: Sequence[str], environment: Mapping[str, str], errors: IO[bytes] | None) -> Process:
    """See :class:`sandbox.launch.Launch`."""
    return Fork(words, environment, errors)
