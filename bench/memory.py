"""``python -m bench.memory [RECORDS …] [--database sqlite|postgresql]``: the most memory that each stage ever holds.

Each stage runs in a process of its own, for one number of records after the other (100,000 and 2,000,000), against the
soak's portal, which invents its records as they are asked for, and the sandbox's platform. Ends with 1 if a stage holds
more than :data:`GROWTH` times as much for the most records as for the fewest: it must not hang on how much there is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.__main__ import ROOT, _database
from bench.meter import peak_memory
from bench.town import running_town
from bench.worker import SOURCE, TARGET
from gateway.bootstrap import initialise, open_context
from gateway.settings import load
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from gateway.stages.push import push
from tests.faults.soak import SERVER, serve_portal
from tests.postgresql import private_postgresql

SIZES = (100_000, 2_000_000)
STAGES = ("pull", "normalise", "push")
GROWTH = 1.25  # caches that fill, and the allocator's slack
OTHERS = 500  # records of the town's own portal, which nobody asks
MIB = 1024 * 1024
Peaks = dict[str, int]  # bytes by stage


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("records", type=int, nargs="*", default=SIZES)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--stage", choices=STAGES, help="of a child: one stage, its job as JSON on standard input")
    options = parser.parse_args()
    if options.stage:
        print(json.dumps(_stage(options.stage, json.load(sys.stdin))))
        return 0
    peaks = {records: _measured(records, options.database) for records in options.records}
    print(_table(peaks))
    few, many = peaks[min(peaks)], peaks[max(peaks)]
    return int(any(many[stage] > few[stage] * GROWTH for stage in STAGES))


def _stage(name: str, job: dict[str, Any]) -> dict[str, Any]:
    settings = load({}, **job)
    initialise(settings)
    context = open_context(settings)
    begun = time.monotonic()
    if name == "pull":
        done = pull(context, SOURCE).pages
    elif name == "normalise":
        done = normalise(context, SOURCE).landed
    else:
        done = push(context, TARGET).records_sealed
    return {"peak": peak_memory(), "done": done, "seconds": time.monotonic() - begun}


@contextmanager
def _portal(records: int) -> Iterator[dict[str, Any]]:
    """The connection to a portal with so many records."""
    ours, theirs = SERVER.Pipe()
    portal = SERVER.Process(target=serve_portal, args=(records, theirs))
    portal.start()
    try:
        yield {"host": "127.0.0.1", "port": ours.recv(), "schema": "http", "login": "gw", "password": "secret"}
    finally:
        ours.send(None)
        portal.join()


def _measured(records: int, name: str) -> Peaks:
    peaks: Peaks = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-memory-")))
        server = stack.enter_context(private_postgresql(fsync=False)) if name == "postgresql" else None
        town = stack.enter_context(running_town(folder, OTHERS))
        town.connections["portal"] = stack.enter_context(_portal(records))
        url = stack.enter_context(_database(name, folder, server, records))
        for stage in STAGES:
            command = [sys.executable, "-m", "bench.memory", "--stage", stage]
            job = json.dumps(town.job("memory", url))
            told = subprocess.run(command, input=job, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
            found = json.loads(told.stdout.splitlines()[-1])
            peaks[stage] = found["peak"]
            unit = "pages" if stage == "pull" else "records"
            about = f"{found['done']:,} {unit}, {found['seconds']:.0f} s, {found['peak'] / MIB:.0f} MiB"
            print(f"{records:,}: {stage} {about}", file=sys.stderr, flush=True)
    return peaks


def _table(peaks: dict[int, Peaks]) -> str:
    head = f"{'peak memory of the process':<28}" + "".join(f"{f'{records:,}':>14}" for records in peaks)
    lines = [
        f"{stage:<28}" + "".join(f"{f'{found[stage] / MIB:.0f} MiB':>14}" for found in peaks.values())
        for stage in STAGES
    ]
    return "\n".join([head, *lines])


if __name__ == "__main__":
    sys.exit(main())
