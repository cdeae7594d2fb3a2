"""One run of the whole path in a process of its own: ``python -m bench.worker < job.json``, result as JSON.

A process of its own, so that its peak memory is the path's alone. Interpreter start, imports, tables, keys and the
compiling of the mapping come before the clock starts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy import text

from bench.baseline import copy_rows, executemany_rows
from bench.held import fill
from bench.meter import Cost, Meter, peak_memory
from bench.parts import parts
from gateway.bootstrap import initialise, open_context
from gateway.settings import load
from gateway.stages.context import Context
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from gateway.store import Store

SOURCE, TARGET = "portal_guangan", "national"
TABLES = ("raw_page", "ledger_record", "duplicate", "quarantine", "batch_record", "work_order")


def main() -> None:
    job = json.load(sys.stdin)
    settings = load({}, **job["settings"])
    initialise(settings)
    context = open_context(settings)
    context.mapping(SOURCE)
    context.build_connector(context.source(SOURCE)).close()  # its kind's modules are imported now
    if job["held"]:
        fill(context.store, job["held"])
    print(json.dumps(run(context, Meter(job["postmaster"]))))


def run(context: Context, meter: Meter) -> dict[str, Any]:
    """Every stage once, then what is measured beside them; costs by name, counts, bytes of peak memory."""
    costs: dict[str, Cost] = {}
    reports: dict[str, Any] = {}

    def stage(name: str, act: Callable[[], Any]) -> None:
        with meter.measure() as costs[name]:
            reports[name] = act()

    before = counted(context.store)
    stage("pull", lambda: pull(context, SOURCE))
    stage("normalise", lambda: normalise(context, SOURCE))
    stage("push", lambda: push(context, TARGET))
    stage("reconcile", lambda: reconcile(context, TARGET))
    memory = peak_memory()
    rows = {table: count - before[table] for table, count in counted(context.store).items()}
    _check(reports, rows)
    _forget_cursor(context.store)
    stage("again", lambda: (pull(context, SOURCE), normalise(context, SOURCE)))
    written = sum(counted(context.store).values()) - sum(rows.values()) - sum(before.values())
    counts: dict[str, Any] = {name: getattr(reports["normalise"], name) for name in _COUNTS}
    counts |= {"rows": rows["ledger_record"], "batches": reports["push"].sent, "written_again": written}
    baseline = copy_rows if context.store.dialect == "postgresql" else executemany_rows
    costs["baseline"] = baseline(context, meter, before["ledger_record"])
    costs |= parts(context, meter, SOURCE)
    return {"costs": {name: asdict(cost) for name, cost in costs.items()}, "counts": counts, "memory": memory}


_COUNTS = ("landed", "stored", "quarantined", "duplicate", "unrated", "orders")


def counted(store: Store) -> dict[str, int]:
    """Rows by table."""
    with store.read() as transaction:
        return {table: int(transaction.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()) for table in TABLES}


def _check(reports: dict[str, Any], rows: dict[str, int]) -> None:
    """A figure of work that was not done is worse than none."""
    pushed, compared = reports["push"], reports["reconcile"]
    if pushed.acknowledged != pushed.sealed or rows["batch_record"] != rows["ledger_record"] or not compared.agreed:
        raise SystemExit(f"the path did not come to its end: {pushed}")


def _forget_cursor(store: Store) -> None:
    """As if the day were pulled anew from its beginning."""
    with store.begin() as transaction:
        transaction.execute(text("UPDATE source_state SET cursor_text = NULL"))


if __name__ == "__main__":
    main()
