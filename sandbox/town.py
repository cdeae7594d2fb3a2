"""The whole sandbox (沙箱): data, the doubles, and the file that tells the gateway where they are."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from sandbox import processes
from sandbox.connections import Connection, connections, write_env
from sandbox.desk import Desk
from sandbox.doubles.places import ORDERS
from sandbox.generator.files import generate, held, read_truth
from sandbox.generator.model import Json
from sandbox.items import MASTER
from sandbox.launch import Launch, interpreter
from sandbox.processes import Double, Plan
from sandbox.secrets import make_secrets, write_private

STATE, LOCK = "state.json", "lock"
REGIONS = MASTER.parents[2] / "schemas" / "data" / "region.csv"
DOWN_SECONDS = 15.0


class AlreadyUp(Exception):
    """A sandbox is running in that folder."""


class Sandbox:
    """A running sandbox. ``connections`` are what ``GW_CONN_…`` say; ``desks`` break doubles and tell the truth."""

    def __init__(self, plan: Plan, doubles: dict[str, Double], env: Path) -> None:
        self.plan, self.doubles, self.env = plan, doubles, env
        self.desks = {name: Desk(double.admin) for name, double in doubles.items()}

    @property
    def folder(self) -> Path:
        return self.plan.folder

    @property
    def urls(self) -> dict[str, str]:
        return {name: double.url for name, double in self.doubles.items()}

    @cached_property
    def connections(self) -> dict[str, Connection]:
        return connections(self.doubles, make_secrets(self.folder))

    @cached_property
    def truth(self) -> list[Json]:
        """The lines of the truth file."""
        return read_truth(self.folder)

    def kill(self, name: str) -> None:
        """SIGKILL one double; its port refuses connections until :meth:`restart`."""
        self.doubles[name].process.kill()
        processes.stop([self.doubles[name]])

    def restart(self, name: str) -> None:
        """Start a killed double again, at the same address and with what it had stored."""
        old = self.doubles[name]
        ports = {name: old.port, f"{name}_desk": int(old.admin.rpartition(":")[2])}
        self.doubles.update(processes.start([name], self.plan, ports))

    def state(self) -> dict[str, Any]:
        """Addresses and process ids, as in ``state.json``; no secrets."""
        return {
            "pid": os.getpid(),
            "folder": str(self.folder),
            "env": str(self.env),
            "doubles": {name: {**double.about, "pid": double.process.pid} for name, double in self.doubles.items()},
        }

    def close(self) -> None:
        for desk in self.desks.values():
            desk.close()
        processes.stop(self.doubles.values())


@contextmanager
def running_sandbox(
    folder: Path,
    records: int = 600,
    seed: int = 7,
    *,
    port_base: int = 0,
    tick: float = 3.0,
    base: datetime | None = None,
    national: bool = True,
    keys: Path | None = None,
    launch: Launch = interpreter,
) -> Iterator[Sandbox]:
    """A sandbox in ``folder`` while the context lasts; its environment file is ``<folder>.env``.

    Data of the same seed and size that lies in ``folder`` is used again, with what the doubles had stored. ``keys``:
    where the sender's public keys are (default: ``keys`` beside ``folder``). Raises :class:`AlreadyUp`,
    :class:`sandbox.processes.CannotStart`.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    env, keys = folder.with_name(f"{folder.name}.env"), keys or folder.with_name("keys")
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    plan = Plan(
        folder=folder,
        port_base=port_base,
        tick=tick,
        sender_keys=keys,
        regions=_regions(folder),
        items=MASTER,
        launch=launch,
    )
    with _locked(folder):
        make_secrets(folder)
        if not held(folder, records, seed):
            for path in (*folder.glob(f"{ORDERS}*"), *folder.glob("national/platform.db*")):
                path.unlink()  # what was stored of other data
            generate(folder, records, seed, base)
        sandbox = Sandbox(plan, processes.start(plan.names(national=national), plan), env)
        try:
            write_env(env, sandbox.connections)
            write_private(folder / STATE, json.dumps(sandbox.state(), indent=1) + "\n")
            yield sandbox
        finally:
            sandbox.close()
            for path in (env, folder / STATE):
                path.unlink(missing_ok=True)


def take_down(folder: Path) -> bool:
    """End the sandbox of ``folder`` and wait for it; False when none is running."""
    folder = folder.resolve()
    if not (folder / STATE).exists() or not _is_locked(folder):
        return False
    os.kill(json.loads((folder / STATE).read_text(encoding="utf-8"))["pid"], signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while _is_locked(folder):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the sandbox of {folder} does not end")
        time.sleep(0.05)
    return True


def _regions(folder: Path) -> Path:
    """The published regions as plain CSV: the platform's double knows no comment lines."""
    plain = folder / "regions.csv"
    lines = REGIONS.read_text(encoding="utf-8").splitlines(keepends=True)
    plain.write_text("".join(line for line in lines if not line.startswith("#")), encoding="utf-8")
    return plain


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / LOCK).open("a") as file:
        if not _lock(file):
            raise AlreadyUp(str(folder))
        yield


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_locked(folder: Path) -> bool:
    with (folder / LOCK).open("a") as file:
        return not _lock(file)
