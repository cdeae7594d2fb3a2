"""A disk that fills up: a small one where this machine lets us mount it, else a database that may not grow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event

if TYPE_CHECKING:
    from tests.faults.night import Night

SIZE = "96m"


class Disk:
    """``place``: the folder that lies on it. This one is SQLite's own word: no page more, which is the same error."""

    cause = "同机的日志一夜写满了磁盘（此处以“数据库不得再增长”代替，错误相同）。"

    def __init__(self, place: Path) -> None:
        self.place, self._full = place, False

    @property
    def in_process(self) -> Callable[[], None] | None:
        """What is done to a process before it starts."""
        return no_page_more if self._full else None

    def fill(self, night: Night) -> None:
        """Not a byte more fits."""
        self._full = True

    def clear(self) -> None:
        self._full = False

    def look(self, night: Night) -> None:
        """What the operator sees of it besides the failure."""


class SmallDisk(Disk):
    """A file system of its own."""

    cause = "同机的日志一夜写满了磁盘。"

    def fill(self, night: Night) -> None:
        night.town.store.engine.dispose()  # nobody has the database open: its log is gone, and must be made anew
        stat = os.statvfs(self.place)
        with (self.place / "airflow.log").open("wb") as file:
            file.write(b"\0" * (stat.f_bavail * stat.f_frsize))

    def clear(self) -> None:
        (self.place / "airflow.log").unlink()

    def look(self, night: Night) -> None:
        night.gw("doctor", code=5, told="doctor.disk_full")


def no_page_more() -> None:
    """From now on the database takes no page more than it has."""

    @event.listens_for(Engine, "connect")
    def _limit(connection: Any, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")


@contextmanager
def full_disk(folder: Path) -> Iterator[Disk]:
    """A small disk below ``folder``, for root; told loudly where that can't be had."""
    place = folder / "disk"
    place.mkdir()
    mounted = os.geteuid() == 0 and _mount(place)
    if not mounted:
        sys.stderr.write("no small disk could be mounted (root only): the database is told not to grow instead\n")
    try:
        yield (SmallDisk if mounted else Disk)(place)
    finally:
        if mounted:
            subprocess.run(["umount", str(place)], check=True)


def _mount(place: Path) -> bool:
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)], check=False)
    return done.returncode == 0
