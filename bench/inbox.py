"""``python -m bench.inbox [--requests N] [--repeat R] [--database D]``: pushing, beside a bare insert.

``gw serve`` and a bare FastAPI insert (:mod:`bench.bare_inbox`) take the same records, one after the other, in the same
database, each as a process of its own, from the same client with the same number of connections. Commits are durable.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psycopg

from bench.flood import Flood, flood, request
from bench.machine import machine
from bench.meter import TICK, _stat
from sandbox.pusher import batch, records
from tests.integration.inbox.process import free_port, until_ready
from tests.integration.inbox.world import HALL, ROOT, SOURCE, World
from tests.postgresql import NoPostgresql, private_postgresql

DATABASES = ("postgresql", "sqlite")
CONNECTIONS = 64
SIZES = (1, 20, 200)  # records a request
MOST_RECORDS = 40_000  # of one flood
WARM = 20
KEYS = [{"id": "2026a", "algorithm": "hmac_sm3", "secret": "hall_01_2026a"}]
PATH = f"/inbox/v1/{SOURCE}/records"


class Figure(NamedTuple):
    """One flood: rates by wall clock, waits in milliseconds, CPU of the serving process for a thousand requests."""

    requests: float
    records: float
    typical: float
    late: float
    cpu: float


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
        print(f"PostgreSQL {about['postgresql'] or '–'}; {CONNECTIONS} connections, medians of {options.repeat} runs;")
        print("durable commits (fsync on, synchronous FULL); client and servers share the cores")
        for name in wanted:
            print(
                f"\n{name}\n{'':28}{'requests/s':>11}{'records/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms/request':>16}"
            )
            for size in SIZES:
                found: dict[str, list[Figure]] = {"bare": [], "gw serve": []}
                for number in range(options.repeat):
                    for what in found:
                        place = folder / f"{name}-{size}-{number}-{what.replace(' ', '')}"
                        with _database(name, place, server) as url:
                            found[what].append(_run(what, place, url, size, options.requests))
                _print(size, found)
    print(
        "\nbare: JSON parsed, a row per record, one commit a request. gw serve: signature, nonce and idempotency key,"
    )
    print("raw bytes sealed and landed, records mapped, checked and in the ledger (or quarantine), then the answer.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.inbox", description=__doc__)
    parser.add_argument("--requests", type=int, default=3000, help="requests of one flood")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    return parser.parse_args()


def _run(what: str, folder: Path, url: str, size: int, wanted: int) -> Figure:
    count = min(wanted, MOST_RECORDS // size)
    world = World(folder, url)
    world.write(
        answer_seconds=30, senders=[{"id": HALL, "name": "压测", "keys": KEYS, "per_second": 10_000, "burst": 100_000}]
    )
    made = list(records(int((count + WARM) * size * 1.15) + 200, 1))[: (count + WARM) * size]
    bodies = [batch(made[start : start + size]) for start in range(0, len(made), size)]
    port = free_port()
    with _serving(what, world, port) as process:
        sent = [_request(what, world, number, body) for number, body in enumerate(bodies)]
        flood(port, sent[:WARM], 1)
        before = _cpu(process.pid)
        found = flood(port, sent[WARM:], CONNECTIONS)
        used = _cpu(process.pid) - before
    if set(found.statuses) != {200}:
        raise SystemExit(f"{what}: {dict(found.statuses)}")
    return _figure(found, size, used)


def _request(what: str, world: World, number: int, body: bytes) -> bytes:
    if what == "bare":
        return request("/records", {"Content-Type": "application/json"}, body)
    return request(PATH, world.pusher().headers("POST", PATH, body, f"bench-{number:08}"), body)


@contextmanager
def _serving(what: str, world: World, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = (
        ["bench.bare_inbox", world.url, str(port)] if what == "bare" else ["gateway.cli", "serve", "--port", str(port)]
    )
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, **world.environment()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until_ready(f"http://127.0.0.1:{port}")
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _database(name: str, folder: Path, server: str | None) -> Iterator[str]:
    folder.mkdir()
    if name == "sqlite" or server is None:
        yield f"sqlite:///{folder / 'gateway.db'}"
        return
    database = folder.name.replace("-", "_")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}"')
        yield server.rpartition("/")[0] + f"/{database}"
        connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


def _cpu(pid: int) -> float:
    stat = _stat(pid)
    return (stat[11] + stat[12]) / TICK


def _figure(found: Flood, size: int, used: float) -> Figure:
    rate, count = len(found.waits) / found.seconds, len(found.waits)
    return Figure(rate, rate * size, found.wait(0.5) * 1000, found.wait(0.99) * 1000, used / count * 1000)


def _print(size: int, found: dict[str, list[Figure]]) -> None:
    middle: dict[str, Any] = {
        what: Figure(*(median(values) for values in zip(*runs, strict=True))) for what, runs in found.items()
    }
    for what, one in middle.items():
        title = f"{size:4} a request  {what}"
        print(f"{title:28}{one.requests:11,.0f}{one.records:11,.0f}{one.typical:9.1f}{one.late:9.1f}{one.cpu:16.2f}")
    ratio = middle["gw serve"].records / middle["bare"].records
    print(f"{'':16}{'÷ bare':12}{ratio:11.2f}{ratio:11.2f}")


if __name__ == "__main__":
    sys.exit(main())
