"""How a double becomes a process that ends when its parent does (:mod:`sandbox.leash`): with its own interpreter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

ROOT = Path(__file__).resolve().parents[1]


class Process(Protocol):
    """What is asked of a running double; ``subprocess.Popen`` is one."""

    pid: int
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, -9 after SIGKILL. Raises ``subprocess.TimeoutExpired``."""
        ...

    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Launch(Protocol):
    def __call__(self, words: Sequence[str], environment: Mapping[str, str], errors: IO[bytes] | None) -> Process:
        """Run ``python -m`` these words; ``errors``: where its standard error goes, by default to ours."""
        ...


def interpreter(words: Sequence[str], environment: Mapping[str, str], errors: IO[bytes] | None) -> Process:
    """See :class:`Launch`."""
    command = [sys.executable, "-m", "sandbox.leash", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=errors)


def let_go(process: Process) -> None:
    """Close our ends of its pipes."""
    for end in (process.stdin, process.stdout):
        if end is not None:
            end.close()
