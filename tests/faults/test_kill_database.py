"""A pull from a front-end database, by flag, killed again and again: every row landed once, every flag set."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest
import yaml

from gateway.bootstrap import initialise, open_context
from gateway.settings import load
from gateway.stages.mapped_page import opened
from gateway.store import pages

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "front_database"
ROWS, PAGE, KILLS, SEED = 240, 5, 4, 20261122
PATIENCE = 60.0
FILE = {
    "source": SOURCE,
    "name": "前置库",
    "connector": "database",
    "connection": "front",
    "owner": "大数据局",
    "region": "511602000000",
    "mapping": {},
    "options": {
        "table": "evaluation",
        "key": ["id"],
        "columns": ["id", "words"],
        "size": PAGE,
        "paging": {"by": "flag", "column": "taken", "done": "1"},
    },
}


def flagged(file: Path) -> int:
    with sqlite3.connect(file, timeout=30) as front:
        found: int = front.execute("SELECT COUNT(*) FROM evaluation WHERE taken = '1'").fetchone()[0]
    front.close()
    return found


@pytest.mark.kill
def test_a_pull_killed_anywhere_lands_each_row_once_and_flags_it(tmp_path: Path) -> None:
    front, home = tmp_path / "front.db", tmp_path / "home"
    (home / "mappings" / "511602").mkdir(parents=True)
    (home / "mappings" / "511602" / "front.yaml").write_text(yaml.safe_dump(FILE, allow_unicode=True), "utf-8")
    with sqlite3.connect(front) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE evaluation (id INTEGER PRIMARY KEY, words TEXT, taken TEXT)")
        made.executemany("INSERT INTO evaluation VALUES (?, ?, NULL)", [(n, f"满意{n}") for n in range(ROWS)])
    made.close()
    own = {
        "GW_HOME": str(home),
        "GW_VAR": str(tmp_path / "var"),
        "GW_CONN_FRONT": json.dumps({"conn_type": "sqlite", "schema": str(front)}),
    }
    settings = load(own)
    initialise(settings)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GW_")} | own
    command = [
        sys.executable,
        "-c",
        f"from gateway.bootstrap import *\nfrom gateway.stages.pull import pull\npull(open_context(), {SOURCE!r})",
    ]
    random, killed = Random(SEED), 0
    while killed < KILLS:
        done = flagged(front)
        pulling = subprocess.Popen(command, cwd=ROOT, env=environment)
        until, deadline = done + random.randint(1, ROWS // KILLS - 10), time.monotonic() + PATIENCE
        while flagged(front) < until and pulling.poll() is None and time.monotonic() < deadline:
            pass
        time.sleep(random.random() / 100)
        assert pulling.poll() is None, "it ended before it was killed"
        pulling.send_signal(signal.SIGKILL)
        pulling.wait()
        killed += 1
    assert 0 < flagged(front) < ROWS
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    assert flagged(front) == ROWS
    context = open_context(settings)
    with context.store.read() as transaction:
        heads = pages.waiting(transaction, SOURCE, limit=ROWS)
    landed = Counter(row["id"] for head in heads for row in json.loads(opened(context, head)))
    context.store.close()
    assert landed == Counter(range(ROWS))
