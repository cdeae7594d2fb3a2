"""``python -m bench.delivery [--repeat R] [--database D] [--scale S] [--part P]``: what delivering a batch costs.

* **Rates**: batches and records a second, sealed, stored, sent and receipted at 1, 100, 1,000 and 5,000 a batch,
  beside a bare POST of the very same bytes to the same platform double in the same run. The platform forgets everything
  in between, so that it does the same work twice; its time is in both.
* **Memory**: what pushing the largest batch adds to a sender that is loaded and idle, against 1.5 × the batch's content
  + 64 MB: with the limits of the interface, and with the largest that a target file allows. Beside it stands what the
  whole process holds, interpreter and libraries included, idle and at its peak.
* **Recovery**: from the SIGKILL of a sender that has claimed a batch to the receipt, with the lease of 60 s.

Commits are durable. Every run is a process of its own (:mod:`bench.delivery_run`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench.__main__ import DATABASES, ROOT, _database
from bench.machine import machine
from sandbox.platform.running import RunningPlatform, running_platform
from tests.integration.delivery import world
from tests.postgresql import NoPostgresql, private_postgresql

BATCHES = {1: 200, 100: 40, 1_000: 16, 5_000: 4}  # a run, by records a batch
LARGEST_RECORDS, LARGEST_BODY = 50_000, 64 << 20
LIMITS = ("--record-limit", str(LARGEST_RECORDS), "--body-limit", str(LARGEST_BODY + (1 << 20)))
PARTS = ("rates", "memory", "recovery")
AT_MOST = 5.0  # times a bare POST, at 1,000 records a batch


def main() -> int:
    options = _options()
    wanted = list(DATABASES) if options.database == "both" else [options.database]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        server = None
        if "postgresql" in wanted:
            try:
                server = stack.enter_context(private_postgresql(fsync=True))
            except NoPostgresql as missing:
                print(f"THE POSTGRESQL PART DID NOT RUN: {missing}")
                wanted = [name for name in wanted if name != "postgresql"]
        about = machine(server)
        print(f"{about['processor']}, {about['cores']} cores; Python {about['python']}, SQLite {about['sqlite']},")
        print(f"PostgreSQL {about['postgresql']}; durable commits (fsync on, synchronous FULL)")
        over = False
        for name in wanted:
            runs = Runs(name, folder, server)
            print(f"\n{name}")
            if "rates" in options.part:
                over |= _rates(runs, options.repeat, options.scale)
            if "memory" in options.part:
                over |= _memory(runs)
            if "recovery" in options.part:
                over |= _recovery(runs)
    return int(over)


class Runs:
    """Each on a database, a platform and a folder of its own."""

    def __init__(self, name: str, folder: Path, server: str | None) -> None:
        self._name, self._folder, self._server = name, folder, server
        self._number = 0

    def run(self, what: str, batch_records: int, **job: Any) -> dict[str, Any]:
        """What :mod:`bench.delivery_run` measured."""
        with self._world(batch_records) as (home, url):
            command = [sys.executable, "-m", "bench.delivery_run"]
            given = json.dumps({"what": what, "home": str(home), "url": url, **job})
            done = subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    @contextmanager
    def _world(self, batch_records: int) -> Iterator[tuple[Path, str]]:
        self._number += 1
        place = self._folder / f"{self._name}-{self._number}"
        with ExitStack() as stack:
            number = self._number + 1000 * DATABASES.index(self._name)
            url = stack.enter_context(_database(self._name, self._folder, self._server, number))
            world.prepare(place / "home", url, batch_records)
            platform = stack.enter_context(self._platform(place))
            world.introduce(place / "home", platform)
            yield place / "home", url

    @contextmanager
    def _platform(self, place: Path) -> Iterator[RunningPlatform]:
        keys = place / "home" / "sender"
        with running_platform(
            place / "platform", senders=(world.SENDER,), sender_keys=keys, arguments=LIMITS
        ) as platform:
            yield platform


def _rates(runs: Runs, repeat: int, scale: float) -> bool:
    titles = ("records", "batches", "batches/s", "records/s", "bare/s", "ms ours", "÷ bare")
    print(_line(titles, (9, 9, 11, 11, 9, 9, 8)) + "  spread")
    over = False
    for records, number in BATCHES.items():
        many = max(2, round(number * scale))
        found = [runs.run("rates", records, batches=many, records=records) for _ in range(repeat)]
        ratios = sorted(one["push"] / one["bare"] for one in found)
        push, bare = (median(one[name] for one in found) for name in ("push", "bare"))
        print(
            f"{records:>9,}{many:>9,}{many / push:>11,.1f}{many * records / push:>11,.0f}{many / bare:>9,.1f}"
            f"{(push - bare) / many * 1000:>9,.1f}{median(ratios):>8.2f}  {ratios[0]:.2f}–{ratios[-1]:.2f}"
        )
        over |= records == 1_000 and median(ratios) > AT_MOST
    return over


def _memory(runs: Runs) -> bool:
    titles = ("records", "content MB", "sealed MB", "added MB", "allowed MB", "idle MB", "peak MB")
    widths = (9, 12, 11, 10, 12, 9, 9)
    print(_line(titles, widths))
    over = False
    for records, size in ((5_000, 16 << 20), (LARGEST_RECORDS, LARGEST_BODY)):
        found = runs.run("memory", records, records=records, size=size)
        added, allowed = found["peak"] - found["idle"], found["content"] * 1.5 + 64e6
        figures = (found["content"], found["sealed"], added, allowed, found["idle"], found["peak"])
        print(_line((f"{records:,}", *(f"{figure / 1e6:.1f}" for figure in figures)), widths))
        over |= added > allowed
    return over


def _line(cells: tuple[str, ...], widths: tuple[int, ...]) -> str:
    return "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


def _recovery(runs: Runs) -> bool:
    found = runs.run("recovery", 1_000, records=2_000)
    print(f"killed while sending: receipted {found['seconds']:.1f} s later (lease {found['lease']} s)")
    return bool(found["seconds"] > found["lease"] + 5)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.delivery", description=__doc__)
    parser.add_argument("--repeat", type=int, default=3, help="runs; medians are printed")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of batches")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=PARTS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
