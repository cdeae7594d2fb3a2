"""``make soak``: a very large pull that is interrupted again and again must end complete, once, in flat memory.

A portal of its own, as a process, invents its records as they are asked for. The gateway's worker is another process
that is killed at any instruction, cut off in the middle of an answer, throttled (Retry-After in both forms) and loses
its token, in an order drawn from the seed. What the ledger holds at the end is counted by plain SQL.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import requests
from sqlalchemy import text

from gateway import crash
from gateway.bootstrap import initialise, open_context
from gateway.errors import Transient
from gateway.settings import Connection
from gateway.stages.backfill import backfill
from gateway.stages.context import Context
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from gateway.store import open_store
from sandbox.generator.model import SHANGHAI
from tests.forkserver import SERVER
from tests.integration.store.portal_data import SOURCE, record, settings_of
from tests.postgresql import private_postgresql

REPORT = Path(__file__).resolve().parents[2] / "docs" / "soak.md"
KINDS = ("kill", "cut", "throttle", "expire")
LAST = datetime(2026, 11, 19, 10, 0, tzinfo=SHANGHAI)
STEP = timedelta(seconds=10)  # between two records
FORM = "%Y-%m-%d %H:%M:%S"
STUBBORN = 3  # answers spoiled in a row: as often as a call is repeated
HOLD_SECONDS = 2.0
INTERRUPTED, PAUSED, KILLED = 3, 4, -9  # a worker's exit codes
TABLES = ("raw_page", "ledger_record", "duplicate", "quarantine")
NUMBER, MOMENT = "999999999", "2000-01-01 00:00:00"


class Portal(BaseHTTPRequestHandler):
    """The portal's list, its login, and a door through which it is told how to misbehave."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    records: ClassVar[int]
    armed: ClassVar[list[tuple[int, str]]] = []  # (pages served by then, kind)
    left: ClassVar[Counter[str]] = Counter()
    served: ClassVar[int] = 0
    token: ClassVar[int] = 0
    rest: ClassVar[int] = 1  # seconds that Retry-After asks for
    held: ClassVar[int] = 0  # answers held back, so that whoever waits for them can be killed

    @cached_property
    def template(self) -> str:
        made = {**record(1), "id": f"u{NUMBER}", "updatedAt": MOMENT}
        made["case"] |= {"projectNo": f"GA{NUMBER}"}
        return json.dumps(made, ensure_ascii=False)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/arm":
            Portal.armed.append(tuple(json.loads(body)))
            self._send(200, b"{}")
            return
        Portal.token += 1
        self._send(200, json.dumps({"code": 0, "data": {"token": f"t{Portal.token}"}}).encode())

    def do_GET(self) -> None:
        if self.path == "/served":
            self._send(
                200, json.dumps([Portal.served, Portal.held, len(Portal.armed) + sum(Portal.left.values())]).encode()
            )
            return
        self._arm()
        if Portal.left["kill"]:
            Portal.left["kill"] = 0
            Portal.held += 1
            time.sleep(HOLD_SECONDS)
            self.close_connection = True  # whoever asked is dead by now, and uses up no other interruption
            return
        if Portal.left["expire"]:
            Portal.left["expire"] = 0
            Portal.token += 1
        if self.headers.get("Authorization") != f"Bearer t{Portal.token}":
            self._send(401, b"{}")
            return
        if Portal.left["throttle"]:
            Portal.left["throttle"] -= 1
            date = format_datetime(datetime.now(SHANGHAI).astimezone() + timedelta(seconds=Portal.rest))
            self._send(429, b"{}", **{"Retry-After": date if Portal.left["throttle"] % 2 else str(Portal.rest)})
            return
        body = self._page()
        if Portal.left["cut"]:
            Portal.left["cut"] -= 1
            self._send(200, body, sent=len(body) // 2)
            return
        Portal.served += 1
        self._send(200, body)

    def _arm(self) -> None:
        while Portal.armed and Portal.served >= Portal.armed[0][0]:
            _, kind = Portal.armed.pop(0)
            Portal.left[kind] = STUBBORN

    def _page(self) -> bytes:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        size, number = int(asked["pageSize"]), int(asked["page"])
        begin = LAST - STEP * (Portal.records - 1)
        since = asked.get("updatedAfter")
        first = 0
        if since:
            first = max(0, -((begin - datetime.strptime(since, FORM).replace(tzinfo=SHANGHAI)) // STEP))
        start = first + (number - 1) * size
        some = range(start, min(start + size, Portal.records))
        lines = (
            self.template.replace(NUMBER, f"{index:09}").replace(MOMENT, (begin + STEP * index).strftime(FORM))
            for index in some
        )
        return f'{{"code":0,"data":{{"total":{Portal.records - first},"list":[{",".join(lines)}]}}}}'.encode()

    def _send(self, status: int, body: bytes, sent: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:sent])
        self.close_connection = sent is not None

    def log_message(self, *_: Any) -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A worker that was killed says no goodbye."""


def serve_portal(records: int, told: Any, rest: int = 1) -> None:
    """The portal's process; ``told`` (a pipe) gets its port."""
    Portal.records, Portal.rest = records, rest
    server = Server(("127.0.0.1", 0), Portal)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told.send(server.server_address[1])
    told.recv()


def _context(url: str, folder: Path, port: int) -> Context:
    made = Connection(host="127.0.0.1", port=port, schema="http", login="gw", password="secret")
    return open_context(settings_of(url, folder, connections={"portal": made}))


def work(url: str, folder: Path, port: int) -> None:
    """The worker's process: one pull. It exits with :data:`INTERRUPTED`, or :data:`PAUSED` when told to come later."""
    try:
        report = pull(_context(url, folder, port), SOURCE)
    except Transient:
        sys.exit(INTERRUPTED)
    sys.exit(PAUSED if report.stopped else 0)


def judge(url: str, folder: Path, port: int) -> None:
    """A process that takes all pages into the ledger."""
    normalise(_context(url, folder, port), SOURCE)


def again(url: str, folder: Path, port: int) -> None:
    """A process that pulls on, and the last loaded day anew."""
    context = _context(url, folder, port)
    pull(context, SOURCE)
    day = LAST.replace(hour=0)
    backfill(context, SOURCE, day, day + timedelta(days=1), again=True)
    normalise(context, SOURCE)


def fill(url: str, folder: Path, port: int, days: int, crash_at: str) -> None:
    """A process that backfills the last ``days``, and dies at a crash point if one is named."""
    context = _context(url, folder, port)
    until = LAST.replace(hour=0) + timedelta(days=1)
    crash.arm(crash_at)
    backfill(context, SOURCE, until - timedelta(days=days), until)


@dataclass
class Found:
    """What a campaign came to."""

    records: int
    seed: int
    events: Counter[str] = field(default_factory=Counter)
    memory: dict[str, int] = field(default_factory=dict)  # bytes, the most of all processes of that work
    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    keys: int = 0
    never_came: int = 0
    written_again: dict[str, int] = field(default_factory=dict)

    @property
    def violations(self) -> dict[str, int]:
        """Every figure must be 0."""
        return {
            "planned interruptions that never came": self.never_came,
            "lost": 2 * self.records - self.keys,  # the case and its evaluation
            "duplicate": self.rows["ledger_record"] - self.keys,
            "quarantined": self.rows["quarantine"],
            "ledger rows written by a loaded day": self.written_again["ledger_record"],
            "rows written by a loaded day, pulled a third time": self.written_again["the third time"],
        }


class Campaign:
    """One very large pull with ``interruptions``."""

    def __init__(
        self, url: str, folder: Path, records: int, seed: int, interruptions: int = 10, *, rest: int = 1
    ) -> None:
        self._rest = rest
        self._url, self._folder, self._records = url, folder, records
        self._chance = random.Random(seed)
        self._kinds = [KINDS[number % len(KINDS)] for number in range(interruptions)]
        self._chance.shuffle(self._kinds)
        self._every = max(2, records // 500 // (interruptions + 1))
        self._kill = False
        self.found = Found(records, seed)

    def run(self) -> Found:
        """All of it."""
        initialise(settings_of(self._url, self._folder))
        ours, theirs = SERVER.Pipe()
        portal = SERVER.Process(target=serve_portal, args=(self._records, theirs, self._rest))
        portal.start()
        try:
            self._port = ours.recv()
            self._pull()
            self.found.never_came = self._told()[2]
            self._do("normalise", judge)
            self.found.rows, self.found.keys = self._count(), self._keys()
            self._do("again", again)
            before = self._count()
            self.found.written_again = {name: before[name] - self.found.rows[name] for name in TABLES}
            self._do("again", again)
            self.found.written_again["the third time"] = sum(self._count().values()) - sum(before.values())
        finally:
            ours.send("enough")
            portal.join()
        return self.found

    def _pull(self) -> None:
        begun, until = time.monotonic(), 0
        while True:
            served, _, waiting = self._told()
            until = self._arm(max(until, served)) if not waiting else until
            code = self._worker("pull", work)
            assert code in (0, INTERRUPTED, PAUSED, KILLED), code
            if code == 0 and not self._kinds and not self._told()[2]:
                break
            if code == PAUSED:
                time.sleep(0.5)
        self.found.seconds["pull"] = time.monotonic() - begun

    def _arm(self, served: int) -> int:
        """Arm what comes next: losses of the token stop no pull, so one that does follows at once."""
        while self._kinds:
            kind = self._kinds.pop()
            served += self._chance.randint(self._every // 2, self._every)
            self.found.events[kind] += 1
            requests.post(self._address("/arm"), json=[served, kind], timeout=10).raise_for_status()
            if kind != "expire":
                self._kill = kind == "kill"
                break
        return served

    def _worker(self, name: str, target: Any) -> int:
        held = self._told()[1]
        process = SERVER.Process(target=target, args=(self._url, self._folder, self._port))
        process.start()
        while process.is_alive():
            self._watch(name, process)
            if self._kill and self._told()[1] > held:
                time.sleep(self._chance.random() / 20)  # whatever it does by then
                process.kill()
            process.join(0.02)
        code = process.exitcode or 0
        process.close()
        return code

    def _do(self, name: str, target: Any) -> None:
        begun = time.monotonic()
        code = self._worker(name, target)
        assert code == 0, (name, code)
        self.found.seconds[name] = time.monotonic() - begun

    def _watch(self, name: str, process: BaseProcess) -> None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):
            return
        held = next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)
        self.found.memory[name] = max(held, self.found.memory.get(name, 0))

    def _told(self) -> list[int]:
        """Pages served, answers held back, interruptions that were planned and that nobody has met."""
        told: list[int] = requests.get(self._address("/served"), timeout=60).json()
        return told

    def _address(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}{path}"

    def _count(self) -> dict[str, int]:
        return {name: self._ask(f"SELECT COUNT(*) FROM {name}") for name in TABLES}

    def _keys(self) -> int:
        return self._ask("SELECT COUNT(*) FROM (SELECT DISTINCT record_key, kind FROM ledger_record) AS one")

    def _ask(self, statement: str) -> int:
        store = open_store(self._url)
        try:
            with store.read() as transaction:
                return int(transaction.execute(text(statement)).scalar_one())
        finally:
            store.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--interruptions", type=int, default=10)
    options = parser.parse_args()
    found = []
    for records in (options.records // 10, options.records):
        with tempfile.TemporaryDirectory(prefix="gateway-soak-") as folder, private_postgresql(fsync=True) as url:
            found.append(Campaign(url, Path(folder), records, options.seed, options.interruptions).run())
    tenth, whole = found
    REPORT.write_text(report(whole, tenth), encoding="utf-8")
    print(report(whole, tenth))
    return 1 if any(whole.violations.values()) or growing(whole, tenth) else 0


def growing(found: Found, tenth: Found) -> list[str]:
    """Works whose processes hold more by a fifth than they did for a tenth of the records."""
    return [name for name, held in found.memory.items() if held > tenth.memory[name] * 1.2]


def report(found: Found, tenth: Found) -> str:
    """The result as a page. ``tenth``: the same with a tenth of the records, for the memory."""
    told = ", ".join(f"{name} {count}" for name, count in sorted(found.events.items()))
    asked = (
        f"`make soak SEED={found.seed} RECORDS={found.records}`: {found.records:,} records pulled from one portal into "
        f"PostgreSQL (fsync on), interrupted {sum(found.events.values())} times: {told}.\n"
    )
    rows = ", ".join(f"{name} {count:,}" for name, count in found.rows.items())
    remark = (
        f"\nRows: {rows}. A page begins with the moment that the one before it ended with, so each brings a record "
        "twice: those are the duplicates. A backfill of the last day asks for other pages than the pull did: it "
        f"landed {found.written_again['raw_page']} raw pages anew, whose {found.written_again['duplicate']:,} records "
        "were all held; once more, it wrote nothing.\n"
    )
    lines = [
        "# The last soak\n",
        asked,
        "| must be 0 | found |\n|---|---|",
        *(f"| {name} | {count} |" for name, count in found.violations.items()),
        f"| works whose memory grows with the records | {len(growing(found, tenth))} |",
        f"\n| work | seconds | peak memory of its processes | for {tenth.records:,} records |\n|---|---|---|---|",
        *(
            f"| {name} | {seconds:.0f} | {found.memory[name] / 1e6:.0f} MB | {tenth.memory[name] / 1e6:.0f} MB |"
            for name, seconds in found.seconds.items()
        ),
        remark,
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
