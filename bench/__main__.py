"""``python -m bench [--records N] [--repeat R] [--database sqlite|postgresql|both] [--held M] [--json]``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from bench.machine import machine
from bench.table import Runs, figures, table
from bench.town import Town, running_town
from tests.postgresql import NoPostgresql, private_postgresql

ROOT = Path(__file__).resolve().parents[1]
DATABASES = ("postgresql", "sqlite")


def main() -> int:
    options = _options()
    wanted: tuple[str, ...] = DATABASES if options.database == "both" else (options.database,)
    absent = ""
    runs: dict[str, Runs] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        server = None
        if "postgresql" in wanted:
            try:
                server = stack.enter_context(private_postgresql(fsync=True, settings=("autovacuum=off",)))
            except NoPostgresql as missing:
                absent, wanted = str(missing), tuple(name for name in wanted if name != "postgresql")
        town = stack.enter_context(running_town(folder, options.records))
        about = machine(server) | {"record_bytes": town.record_bytes, "records": options.records, "held": options.held}
        for number in range(options.repeat):
            for name in wanted:
                _say(f"{name} {number + 1}/{options.repeat} …")
                with _database(name, folder, server, number) as url:
                    runs.setdefault(name, []).append(_run(town, f"{name}{number}", url, server, options.held))
    found = figures(runs) | {"machine": about, "absent": absent}
    print(json.dumps(found, indent=1) if options.json else table(found))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="source records a run")
    parser.add_argument("--repeat", type=int, default=3, help="runs; medians are printed")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--held", type=int, default=0, help="rows that the ledger holds, all delivered, before the run")
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    return parser.parse_args()


@contextmanager
def _database(name: str, folder: Path, server: str | None, number: int) -> Iterator[str]:
    """A fresh database of this run alone."""
    if name == "sqlite" or server is None:
        yield f"sqlite:///{folder / f'run{number}.db'}"
        return
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE run{number}")
        yield server.rpartition("/")[0] + f"/run{number}"
        connection.execute(f"DROP DATABASE run{number} WITH (FORCE)")


def _run(town: Town, run: str, url: str, server: str | None, held: int) -> dict[str, Any]:
    town.forget()
    postmaster = _postmaster(server) if server and url.startswith("postgresql") else None
    job = {"settings": town.job(run, url), "postmaster": postmaster, "held": held}
    done = subprocess.run(
        [sys.executable, "-m", "bench.worker"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _postmaster(server: str) -> int:
    """The server's first process: the parent of the one that serves us."""
    with psycopg.connect(server) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        fields = Path(f"/proc/{row[0]}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return int(fields[1])


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")


if __name__ == "__main__":
    sys.exit(main())
