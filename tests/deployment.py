"""A whole deployment for acceptance: the town's five doubles as real servers, a database, and ``gw`` as a process."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import text

from gateway.bootstrap import initialise, open_context
from gateway.crypto.keys import KeyFolder, Use
from gateway.settings import Settings, load
from gateway.stages.context import Context
from gateway.store import Store, open_store
from sandbox.processes import NATIONAL
from sandbox.town import Sandbox, running_sandbox
from tests.doubles import give_keys
from tests.forkserver import forked

ROOT = Path(__file__).resolve().parents[1]
WAIT_SECONDS = 120
MOST_ROUNDS = 40
USES: tuple[Use, ...] = ("sig", "enc")
IMPATIENT = {"GW_LEASE_SECONDS": "2", "GW_RETRY_BASE_SECONDS": "0.2", "GW_ORDER_REQUERY_SECONDS": "0.5"}
WAITING = {
    "pages": "SELECT COUNT(*) FROM raw_page WHERE state = 'landed'",
    "orders": "SELECT COUNT(*) FROM work_order WHERE state <> '90'",
    "unsealed": "SELECT COUNT(*) FROM ledger_record l WHERE NOT EXISTS"
    " (SELECT 1 FROM batch_record r WHERE r.position = l.position)",
    "held": "SELECT COUNT(*) FROM delivery_hold",
    "batches": "SELECT COUNT(*) FROM batch WHERE state NOT IN ('RECONCILED', 'REJECTED')",
}


@dataclass(frozen=True)
class Ran:
    """How a ``gw … --json`` ended: its exit code and its document."""

    code: int
    said: Any
    errors: str

    def step(self, stage: str, subject: str) -> dict[str, Any]:
        """What the (last) step of that name did."""
        steps: list[dict[str, Any]] = self.said["steps"]
        return [step for step in steps if (step["stage"], step["subject"]) == (stage, subject)][-1]


@dataclass
class Deployment:
    """``var`` holds all of its state but the database at ``url``; its sandbox lies below."""

    var: Path
    url: str
    sandbox: Sandbox
    store: Store
    more: dict[str, str] = field(default_factory=dict)  # of the environment
    copies: Counter[str] = field(default_factory=Counter)  # requests that the network made more of, by batch

    def environment(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("GW_", "AIRFLOW_"))}
        own = {"GW_HOME": str(self.var / "home"), "GW_VAR": str(self.var), "GW_DATABASE_URL": self.url}
        return {**plain, **own, **IMPATIENT, **self.more}

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """``gw`` as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", *command],
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def gw(self, *command: str) -> Ran:
        """Run it to its end; it must not crash."""
        process = self.start(*command, "--json")
        out, errors = process.communicate(timeout=WAIT_SECONDS)
        told = errors.decode()
        assert process.returncode in range(7), told
        assert "Traceback" not in told, told
        return Ran(process.returncode, json.loads(out), told)

    def settings(self, **overrides: Any) -> Settings:
        return load(self.environment(), **overrides)

    def open(self, **overrides: Any) -> Context:
        """The same deployment in this process; the caller closes its store."""
        return open_context(self.settings(**overrides))

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.store.read() as transaction:
            return [tuple(row) for row in transaction.execute(text(query), values)]

    def count(self, query: str) -> int:
        return int(self.rows(query)[0][0])

    # ── what really happened, by the doubles' own books ──────────────────────────────────────────────────────────

    def effects(self, kind: str) -> list[dict[str, Any]]:
        """Every record version that took effect at the national platform."""
        return [json.loads(line) for line in self._national(f"/effects?kind={kind}").iter_lines()]

    def batches_there(self) -> list[dict[str, Any]]:
        """Every batch id that the national platform was sent, with the digests of the bodies and our requests alone."""
        found: list[dict[str, Any]] = self._national("/batches").json()
        return [{**one, "requests": one["requests"] - self.copies[one["batchId"]]} for one in found]

    def orders(self) -> dict[str, Any]:
        """The hotline's orders by external id."""
        found: dict[str, Any] = self.sandbox.desks["hotline"].oracle()["orders"]
        return found

    def tick(self, times: int) -> None:
        """Move every open order on."""
        self.sandbox.desks["hotline"].post("/sandbox/tick", {"times": times})

    def until_quiet(self) -> None:
        """Run, and let 12345 work, until nothing waits for a machine."""
        for _ in range(MOST_ROUNDS):
            ran = self.gw("run")
            assert ran.code in (0, 3), ran
            if not self.waiting():
                return
            self.tick(12)
        raise AssertionError(f"never quiet: {self.waiting()}")

    def waiting(self) -> dict[str, int]:
        """What a machine still has to do, by what it is."""
        found = {name: self.count(query) for name, query in WAITING.items()}
        return {name: number for name, number in found.items() if number}

    def _national(self, path: str) -> requests.Response:
        answer = self._session.get(f"{self.sandbox.desks['national'].url}/sandbox/oracle{path}", timeout=WAIT_SECONDS)
        answer.raise_for_status()
        return answer

    @cached_property
    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        return session

    def close(self) -> None:
        self._session.close()
        self.store.close()


@contextmanager
def deployment(
    var: Path,
    url: str | None = None,
    *,
    records: int,
    seed: int,
    base: datetime | None = None,
    batch_records: int = 200,
    registry: Path | None = None,
    **more: str,
) -> Iterator[Deployment]:
    """A deployment that is set up and has pulled nothing yet; orders at 12345 move by hand, batches are small.

    ``registry``: where the platform keeps our public keys; by default it looks at them where they are made.
    """
    var.mkdir(parents=True, exist_ok=True)
    url = url or f"sqlite:///{var / 'gateway.db'}"
    furnish(var / "home", batch_records)
    initialise(load({"GW_VAR": str(var), "GW_DATABASE_URL": url}))
    if registry is not None:
        registry.mkdir()
        shutil.copy(var / "keys" / "signature.pub.pem", registry)
    give_keys(var / "sandbox" / NATIONAL)
    town = running_sandbox(
        var / "sandbox", records, seed, tick=0, base=base, keys=registry or var / "keys", launch=forked
    )
    with town as sandbox:
        pin(var / "keys", sandbox)
        made = Deployment(var, url, sandbox, open_store(url), more)
        try:
            yield made
        finally:
            made.close()


def furnish(home: Path, batch_records: int) -> None:
    """The project's own mappings and targets, but for the size of a batch and the patience towards 12345."""
    shutil.copytree(ROOT / "targets", home / "targets")
    (home / "mappings").symlink_to(ROOT / "mappings")
    _change(home / "targets" / "national.yaml", r"batch_records: \d+", f"batch_records: {batch_records}")
    _change(home / "targets" / "hotline.yaml", r"timeouts: {.*}", "timeouts: {connect: 2, read: 3, wall: 4}")


def _change(file: Path, pattern: str, new: str) -> None:
    changed, times = re.subn(pattern, new, file.read_text(encoding="utf-8"))
    assert times == 1
    file.write_text(changed, encoding="utf-8")


def pin(keys: Path, sandbox: Sandbox) -> None:
    """Pin the keys of the platform's double."""
    folder = KeyFolder(keys)
    for path in sandbox.doubles["national"].about["keys"].values():
        for use in USES:
            if f"-sm2-{use}-" in Path(path).name:
                folder.pin(Path(path).read_bytes(), use)
