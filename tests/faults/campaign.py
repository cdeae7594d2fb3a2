"""``make faults``: every crash point twenty times, while all else goes wrong as well.

Run by hand, seeded; the last result is kept in ``docs/faults.md``. A round is a town of its own that dies at every
point in an order drawn from the seed; rounds alternate between SQLite and PostgreSQL where that is at hand, and several
run side by side.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.generator.model import SHANGHAI
from sandbox.wire import running_wire
from tests.faults import by_hand
from tests.faults.killing import Plan
from tests.faults.rounds import Round
from tests.faults.tally import Tally, write_report
from tests.faults.troubles import Troubles
from tests.postgresql import NoPostgresql, PrivateServer, private_server

REPORT = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
RECORDS, PORTIONS = 3000, 150
SIDE_BY_SIDE = 2


def campaign(repeats: int, seed: int, folder: Path, side_by_side: int, report: Path) -> Tally:
    """``repeats`` rounds; says how each went, and writes it down."""
    tally, began = Tally(seed), time.monotonic()
    plan = Plan(RECORDS, PORTIONS, datetime.now(SHANGHAI).replace(microsecond=0))
    calm = plan.in_peace(folder / "calm")
    with ProcessPoolExecutor(side_by_side, multiprocessing.get_context("spawn")) as pool:
        rounds = [pool.submit(one_round, number, seed, plan, calm, folder) for number in range(1, repeats + 1)]
        for done, ended in enumerate(as_completed(rounds), 1):
            tally.add(ended.result())
            write_report(report, tally, time.monotonic() - began)
            print(f"{done}/{repeats}: {tally.kills.total()} kills, broken: {tally.harms or 'nothing'}", flush=True)
    return tally


def one_round(number: int, seed: int, plan: Plan, calm: dict[str, Any], folder: Path) -> Tally:
    """What one town did and suffered, from its first record to the restored backup."""
    began, tally, chance = time.monotonic(), Tally(seed), random.Random(f"{seed}:{number}")
    with _database(number) as server, plan.town(folder / f"round-{number}", server and server.url) as (town, portions):
        tally.rounds.append("PostgreSQL" if server else "SQLite")
        national = town.sandbox.doubles["national"]
        with running_wire(national.host, national.port) as wire:
            town.copies = wire.copies
            this = Round(number, town, portions, Troubles(town, wire, server, chance, tally), chance, tally)
            try:
                _whole(this, calm)
            except Exception:  # the other rounds go on
                said = (town.var / "gw.log").read_text("utf-8", "replace")[-3000:]
                this.note("the round broke off", {"at": traceback.format_exc()[-1500:], "gw said": said})
    print(f"round {number} on {tally.rounds[-1]}: {time.monotonic() - began:.0f} s", flush=True)
    return tally


def _whole(this: Round, calm: dict[str, Any]) -> None:
    backup = by_hand.Backup(this)
    this.die_everywhere()
    this.rest(backup.make)
    this.judge("at rest", calm)
    this.count()
    by_hand.backfilled(this, calm)
    by_hand.lost_there(this, calm)
    by_hand.archived(this)
    by_hand.restored(this, calm, backup.back)


@contextmanager
def _database(number: int) -> Iterator[PrivateServer | None]:
    """SQLite for odd rounds, a PostgreSQL that may die for even ones, if there is one."""
    if number % 2:
        yield None
        return
    try:
        with private_server("-c fsync=off") as server:  # its processes die, its machine doesn't
            yield server
    except NoPostgresql as missing:
        print(f"PostgreSQL part NOT run: {missing}")
        yield None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign", description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--side-by-side", type=int, default=SIDE_BY_SIDE, help="rounds at once")
    parser.add_argument("--report", type=Path, default=REPORT)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-faults-") as folder:
        tally = campaign(given.repeats, given.seed, Path(folder), given.side_by_side, given.report)
    print(f"written: {given.report}")
    return 1 if tally.harms else 0


if __name__ == "__main__":
    sys.exit(main())
