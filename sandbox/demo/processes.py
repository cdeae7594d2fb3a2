"""Child processes that never outlive the demo: each in its own group, ended as a group, checked while we wait."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class Processes:
    """The running children, by name."""

    def __init__(self) -> None:
        self._children: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}

    def start(
        self, name: str, command: Sequence[str], environ: Mapping[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            child = subprocess.Popen(
                list(command),
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[name] = (child, log)
        return child

    def check_alive(self) -> None:
        """Raises with the last lines of its log if a child has ended."""
        for name, (child, log) in self._children.items():
            if child.poll() is not None:
                tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
                raise RuntimeError(f"{name} ended with {child.returncode}:\n{tail}")

    def stop(self, grace: float = 10.0) -> None:
        """Ask every group to end, then end it."""
        for child, _ in reversed(self._children.values()):
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + grace
        for child, _ in self._children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, deadline - time.monotonic()))
        for child, _ in self._children.values():
            _signal_group(child, signal.SIGKILL)
            child.wait()
        self._children.clear()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # The group outlives its leader: workers of a server that ended early are found by the group's id.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
