"""The doubles as processes of one town: started together, waited for, ended together."""

from __future__ import annotations

import importlib.util
import json
import os
import selectors
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.launch import Launch, Process, interpreter, let_go

READY_SECONDS = 180.0
STOP_SECONDS = 8.0
OWN = ("portal", "app", "kiosk", "hotline")
NATIONAL = "national"
PLATFORM_MODULE = "sandbox.platform.__main__"
# offsets from --port-base; the kiosk has a second port for its desk
OFFSETS = {"portal": 0, "app": 1, "kiosk": 2, "kiosk_desk": 3, "hotline": 4, NATIONAL: 5}


class CannotStart(Exception):
    """A double did not come up; its text says which and why."""


@dataclass(slots=True)
class Double:
    """One running double. ``about`` is the line that it printed when ready."""

    name: str
    process: Process
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return str(self.about["url"])

    @property
    def admin(self) -> str:
        return str(self.about.get("admin", self.about["url"]))

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0


@dataclass(frozen=True, slots=True)
class Plan:
    """How doubles are started. ``port_base`` 0: free ports. ``tick``: seconds a hotline status, 0 by hand.
    ``launch``: what makes a process of one."""

    folder: Path
    port_base: int = 0
    tick: float = 3.0
    sender: str = "510000000000"
    sender_keys: Path | None = None
    regions: Path | None = None
    items: Path | None = None
    launch: Launch = interpreter

    def names(self, *, national: bool) -> tuple[str, ...]:
        """The doubles to start; the national platform only where its double is installed."""
        return (*OWN, NATIONAL) if national and importlib.util.find_spec("sandbox.platform") else OWN

    def command(self, name: str, again: dict[str, int] | None = None) -> list[str]:
        """Module and arguments of one double; ``again`` holds the ports it had before."""
        port, desk = self._port(name, again), self._port(f"{name}_desk", again)
        if name == NATIONAL:
            options = {
                "--sender": self.sender,
                "--sender-keys": self.sender_keys,
                "--regions": self.regions,
                "--items": self.items,
            }
            given = [str(part) for option, value in options.items() if value for part in (option, value)]
            folder = self.folder / NATIONAL
            arguments = ["sandbox.platform", "--port", str(port), "--folder", str(folder), *given]
        else:
            arguments = ["sandbox.doubles", name, "--port", str(port), "--folder", str(self.folder)]
            arguments += {"kiosk": ["--admin-port", str(desk)], "hotline": ["--tick", str(self.tick)]}.get(name, [])
        return arguments

    def _port(self, name: str, again: dict[str, int] | None) -> int:
        if again and name in again:
            return again[name]
        return self.port_base + OFFSETS[name] if self.port_base and name in OFFSETS else 0


def start(names: Iterable[str], plan: Plan, again: dict[str, int] | None = None) -> dict[str, Double]:
    """Start ``names`` side by side and wait until all are ready; on failure none is left. Raises CannotStart."""
    doubles: dict[str, Double] = {}
    try:
        for name in names:
            doubles[name] = Double(name, _spawn(name, plan, again))
        for double in doubles.values():
            double.about = _ready_line(double, _log(plan, double.name))
    except BaseException:
        stop(doubles.values())
        raise
    return doubles


def stop(doubles: Iterable[Double]) -> None:
    """End them: first asked, then, after a while, killed."""
    doubles = list(doubles)
    for double in doubles:
        if double.process.stdin:
            double.process.stdin.close()
        double.process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for double in doubles:
        try:
            double.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            double.process.kill()
            double.process.wait()
        let_go(double.process)


def _spawn(name: str, plan: Plan, again: dict[str, int] | None) -> Process:
    log = _log(plan, name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        return plan.launch(plan.command(name, again), os.environ, errors)


def _log(plan: Plan, name: str) -> Path:
    return plan.folder / "logs" / f"{name}.log"


def _ready_line(double: Double, log: Path) -> dict[str, Any]:
    stdout = double.process.stdout
    if stdout is None:
        raise CannotStart(f"{double.name}: no standard output")
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        line = stdout.readline() if selector.select(READY_SECONDS) else b""
    try:
        about: dict[str, Any] = json.loads(line)
    except ValueError as broken:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise CannotStart(f"{double.name}: {last[0]} (see {log})") from broken
    return about
