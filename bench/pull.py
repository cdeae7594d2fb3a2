"""``python -m bench.pull [--records N] [--repeat R]``: what pulling alone costs, in a process of its own per run.

PostgreSQL with fsync; the portal's double is another process and is not counted. ``again``: the same source pulled once
more from its cursor, which looks back and finds nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.__main__ import ROOT, _database, _postmaster
from bench.meter import Meter, peak_memory
from bench.town import running_town
from bench.worker import SOURCE
from gateway.bootstrap import initialise, open_context
from gateway.settings import load
from gateway.stages.pull import pull
from tests.postgresql import private_postgresql

FIGURES = ("client", "database", "wall")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.pull", description=__doc__)
    parser.add_argument("--records", type=int, default=40_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(_run(json.load(sys.stdin))))
        return 0
    runs: list[dict[str, Any]] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        server = stack.enter_context(private_postgresql(fsync=True))
        town = stack.enter_context(running_town(folder, options.records))
        for number in range(options.repeat):
            with _database("postgresql", folder, server, number) as url:
                job = {"settings": town.job(f"run{number}", url), "postmaster": _postmaster(server)}
                command = [sys.executable, "-m", "bench.pull", "--worker"]
                done = subprocess.run(
                    command, input=json.dumps(job), stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True
                )
                runs.append(json.loads(done.stdout.splitlines()[-1]))
    for name in ("first", "again"):
        told = (f"{figure} {_median(runs, name, figure, options.records):.2f}" for figure in FIGURES)
        print(f"{name}: {', '.join(told)} µs a record; pages {runs[0][name]['pages']}")
    print(f"peak memory {max(run['memory'] for run in runs) / 1e6:.0f} MB")
    return 0


def _median(runs: list[dict[str, Any]], name: str, figure: str, records: int) -> float:
    return float(statistics.median(run[name][figure] for run in runs)) / records * 1e6


def _run(job: dict[str, Any]) -> dict[str, Any]:
    settings = load({}, **job["settings"])
    initialise(settings)
    context, meter = open_context(settings), Meter(job["postmaster"])
    context.source(SOURCE)
    found: dict[str, Any] = {}
    for name in ("first", "again"):
        with meter.measure() as cost:
            report = pull(context, SOURCE)
        found[name] = asdict(cost) | {"pages": report.pages}
    return found | {"memory": peak_memory()}


if __name__ == "__main__":
    sys.exit(main())
