"""What a piece of work costs: wall clock, CPU of this process with its threads, CPU of the database's processes."""

from __future__ import annotations

import gc
import math
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gateway.stages.at_rest import collector_at_rest

Page = TypeVar("Page")
TICK = os.sysconf("SC_CLK_TCK")
UTIME, STIME, CUTIME, CSTIME = 11, 12, 13, 14  # fields of /proc/<pid>/stat after the name


@dataclass(slots=True)
class Cost:
    """Seconds. ``database`` is 0 where the database is a part of this process (SQLite)."""

    wall: float = 0.0
    client: float = 0.0
    database: float = 0.0
    records: int = 0  # that it was spent on, where these are not the whole run's


class Meter:
    """Measures blocks; ``postmaster`` is the process id of the PostgreSQL server, if there is one."""

    def __init__(self, postmaster: int | None = None) -> None:
        self._postmaster = postmaster

    @contextmanager
    def measure(self) -> Iterator[Cost]:
        """The cost of the block, filled in when it ends."""
        cost = Cost()
        database, client, wall = self._database(), _client(), time.perf_counter()
        yield cost
        cost.wall = time.perf_counter() - wall
        cost.client = _client() - client
        cost.database = self._database() - database

    def _database(self) -> float:
        """CPU of the server's process tree; processes that have ended are counted by the postmaster (``cutime``)."""
        if self._postmaster is None:
            return 0.0
        ticks = sum(_stat(self._postmaster)[field] for field in (UTIME, STIME, CUTIME, CSTIME))
        for pid in _children(self._postmaster):
            try:
                stat = _stat(pid)
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended just now: the postmaster counts it next time
            ticks += stat[UTIME] + stat[STIME]
        return ticks / TICK


def fastest(pages: Sequence[Page], *works: Callable[[Page], object], runs: int = 15) -> list[float]:
    """CPU seconds of each work over all pages: of every page its fastest of several runs, the works in turns.

    Neighbours on a shared machine only ever slow a run down, and a page is short enough to slip between them. The
    garbage collector rests meanwhile, as it does in the stages.
    """
    best = [[math.inf] * len(pages) for _ in works]
    for _ in range(runs):
        gc.collect()
        with collector_at_rest():
            for number, page in enumerate(pages):
                for work, of_work in zip(works, best, strict=True):
                    started = time.process_time()
                    work(page)
                    of_work[number] = min(of_work[number], time.process_time() - started)
    return [sum(of_work) for of_work in best]


def peak_memory() -> int:
    """The most memory that this process has held since it began or :func:`forget_peak`, in bytes (``ru_maxrss``
    inherits the parent's)."""
    return _memory("VmHWM")


def memory_held() -> int:
    """Bytes that this process holds just now."""
    return _memory("VmRSS")


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _memory(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {name} in /proc/self/status")


def _client() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _stat(pid: int) -> list[int]:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return [0, *map(int, fields[1:])]  # the first one is a letter


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
