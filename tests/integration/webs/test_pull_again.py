"""A day pulled over HTTP, broken off again and again, and pulled once more: all of it, once, and then nothing."""

from __future__ import annotations

from datetime import timedelta
from itertools import cycle
from pathlib import Path

import pytest
from sqlalchemy import text

import connectors
from gateway.errors import Transient
from gateway.stages.context import Context
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from tests.contract.rigs import LOOPBACK, PortalRig
from tests.integration.store.portal_data import SOURCE, Clock, context_of, record

RECORDS = 240
TABLES = ("raw_page", "ledger_record", "duplicate", "quarantine")


def count(context: Context) -> dict[str, int]:
    with context.store.read() as transaction:
        asked = {table: text(f"SELECT COUNT(*) FROM {table}") for table in TABLES}
        return {table: int(transaction.execute(query).scalar_one()) for table, query in asked.items()}


def at(number: int) -> str:
    return f"2026-11-20 {8 + number // 120:02}:{number // 2 % 60:02}:{number % 2 * 30:02}"


def take(context: Context) -> None:
    pull(context, SOURCE)
    normalise(context)


def test_ten_interruptions_cost_nothing_and_a_loaded_day_writes_no_row(store_url: str, tmp_path: Path) -> None:
    context, rig = context_of(store_url, tmp_path), PortalRig()
    clock = context.clock
    assert isinstance(clock, Clock)
    portal = context.source(SOURCE)
    paging = {**portal.options["paging"], "size": 10}
    source = portal.model_copy(update={"options": {**portal.options, "paging": paging}})
    object.__setattr__(context, "build_connector", lambda _: connectors.build(source, rig.connection(), LOOPBACK))
    rig.add(*({**record(number), "updatedAt": at(number)} for number in range(RECORDS)))
    faults = cycle(("throttled", "cut", "reset"))
    for turn in range(10):
        rig.spoil(next(faults), after=2)
        rig.token = f"t{turn}"
        clock.now += timedelta(hours=1)  # beyond any Retry-After
        with pytest.raises(Transient):
            take(context)
    rig.spoil(None)
    clock.now += timedelta(hours=1)
    take(context)
    held = count(context)
    assert held["ledger_record"] == 2 * RECORDS  # the case and its evaluation
    assert held["quarantine"] == 0
    assert held["duplicate"] < held["raw_page"]  # the moment that a page shares with its next
    for _ in range(3):
        take(context)
    assert count(context) == held
    rig.add({**record(900), "updatedAt": at(RECORDS - 4)})  # committed late
    take(context)
    assert count(context)["ledger_record"] == held["ledger_record"] + 2
    rig.close()
    context.store.close()
