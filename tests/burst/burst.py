"""``make burst``: many batches at once to a platform that refuses one call in ten and loses one answer in a hundred.

Real processes push, every five minutes, to the platform's double as a server of its own, over HTTP. Times are scaled:
with ``--scale 10`` the first delay of the backoff is 6 s instead of a minute, the scheduler comes every 30 s, and what
is promised within 20 minutes must be there within two. Sending itself takes as long as it takes. At the end the
platform's oracle and our ledger must agree record by record. The last result is kept in ``docs/faults.md``.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import text

from gateway.errors import GatewayError
from gateway.stages.context import Context
from gateway.stages.push import push
from sandbox.generator.model import SHANGHAI
from sandbox.platform.running import RunningPlatform
from tests.doubles import forked_platform
from tests.faults.page import put_section
from tests.integration.delivery.world import (
    SENDER,
    evaluation,
    fill,
    introduce,
    open_world,
    prepare,
    service,
)

REPORT = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
TITLE = "Burst: one call in ten refused, one answer in a hundred lost"
TARGET = "national"
FORK = multiprocessing.get_context("fork")  # a fresh interpreter would spend its life importing
SCHEDULE, FIRST_DELAY, LEASE, PROMISED = (
    300.0,
    60.0,
    60.0,
    1200.0,
)  # seconds; between two runs, of the backoff, to the receipt
SHARE = 0.995
REFUSED, LOST = 0.10, 0.01
CHUNK = 1000  # cases a transaction
PATIENCE = 1800.0
UNSETTLED = "SELECT COUNT(*) FROM batch WHERE state <> 'ACKNOWLEDGED'"
UNSEALED = (
    "SELECT COUNT(*) FROM ledger_record l WHERE NOT EXISTS (SELECT 1 FROM batch_record r WHERE r.position = l.position)"
)
LOST_ANSWERS = "SELECT COUNT(*) FROM batch_event WHERE event = 'lost'"
TAKEN = """
    SELECT s.happened_at, MIN(r.happened_at) FROM batch_event s JOIN batch_event r ON r.batch_id = s.batch_id
    WHERE s.event = 'sealed' AND r.event LIKE 'receipt.%' GROUP BY s.batch_id, s.happened_at
"""
LEDGER = """
    SELECT l.kind, l.record_key, l.version, l.digest FROM ledger_record l JOIN batch_record r ON r.position = l.position
    JOIN batch b ON b.number = r.batch_number
    WHERE b.state = 'ACKNOWLEDGED' AND (r.code IS NULL OR r.code = 'duplicate')
"""


@dataclass(frozen=True)
class Size:
    """``records`` (half of them cases, half evaluations) in batches of ``batch_records``; ``scale``: how much quicker
    than in earnest the clockwork runs; ``workers``: processes that push."""

    records: int
    batch_records: int
    scale: float
    workers: int = 2
    seed: int = 1


@dataclass(frozen=True)
class Outcome:
    """What came of it. ``wrong``: every difference between oracle and ledger, in words; ``seconds``: from sealing to
    receipt of each batch, as they were, ascending."""

    size: Size
    batches: int
    effects: int
    wrong: list[str]
    seconds: list[float]
    attempts: int
    lost: int
    answers: Counter[str]
    took: float

    @property
    def in_time(self) -> float:
        """Share of batches receipted within the promised time, scaled."""
        return sum(each * self.size.scale <= PROMISED for each in self.seconds) / len(self.seconds)

    def within(self, share: float) -> float:
        """Minutes, scaled back, within which that share of the batches had its receipt."""
        return self.seconds[min(len(self.seconds) - 1, math.ceil(share * len(self.seconds)) - 1)] * self.size.scale / 60


def burst(home: Path, url: str, size: Size) -> Outcome:
    """All of it, in ``home`` and the database at ``url``."""
    prepare(home, url, size.batch_records)
    with forked_platform(home / "platform", senders=(SENDER,), sender_keys=home / "sender") as platform:
        introduce(home, platform)
        context = open_world(home, url)
        try:
            _fill(context, size.records // 2)
            platform.admin.fault("http_503", rate=REFUSED, seed=size.seed)
            platform.admin.fault("lose_reply", rate=LOST, seed=size.seed)
            began = time.monotonic()
            _push_until_settled(home, url, context, size)
            took = time.monotonic() - began
            platform.admin.clear()
            return _outcome(context, platform, size, took)
        finally:
            context.store.close()


def _fill(context: Context, cases: int) -> None:
    groups = ([service(number), evaluation(number)] for number in range(cases))
    while chunk := list(islice(groups, CHUNK)):
        fill(context, *chunk)


def _push_until_settled(home: Path, url: str, context: Context, size: Size) -> None:
    over = FORK.Event()
    workers = [FORK.Process(target=_work, args=(home, url, size, over)) for _ in range(size.workers)]
    for worker in workers:
        worker.start()
    deadline = time.monotonic() + PATIENCE
    while _count(context, UNSEALED) or _count(context, UNSETTLED):
        if time.monotonic() > deadline or not any(worker.is_alive() for worker in workers):
            break
        time.sleep(0.2)
    over.set()
    for worker in workers:
        worker.join()


def _work(home: Path, url: str, size: Size, over: Any) -> None:
    """A worker's life: a run, and the next one when the schedule says so."""
    context = open_world(
        home, url, retry_base_seconds=FIRST_DELAY / size.scale, lease_seconds=max(2, round(LEASE / size.scale))
    )
    while not over.is_set():
        with suppress(GatewayError):
            push(context, TARGET)
        over.wait(SCHEDULE / size.scale)
    context.store.close()


def _outcome(context: Context, platform: RunningPlatform, size: Size, took: float) -> Outcome:
    there = [
        (kind, line["key"], line["version"], line["digest"], line["times"])
        for kind in ("service", "evaluation")
        for line in platform.admin.effects(kind)
    ]
    with context.store.read() as transaction:
        ours = {(*row[:3], bytes(row[3]).hex()) for row in transaction.execute(text(LEDGER))}
        times = [tuple(map(_moment, row)) for row in transaction.execute(text(TAKEN))]
        lost = int(transaction.execute(text(LOST_ANSWERS)).scalar_one())
        attempts = int(transaction.execute(text("SELECT COUNT(*) FROM batch_attempt")).scalar_one())
    theirs = {line[:4] for line in there}
    wrong = [f"twice: {line[:3]}" for line in there if line[4] != 1]
    wrong += [f"only here: {line[:3]}" for line in sorted(ours - theirs)]
    wrong += [f"only there: {line[:3]}" for line in sorted(theirs - ours)]
    posted = platform.admin.batches()
    wrong += [f"another body: {one['batchId']}" for one in posted if len(one["digests"]) != 1]
    wrong += [f"records: {len(theirs)} of {size.records}"] * (len(theirs) != size.records)
    answers = Counter(answer for one in posted for answer in one["answers"])
    seconds = sorted((receipt - sealed).total_seconds() for sealed, receipt in times)
    return Outcome(size, len(posted), len(there), wrong, seconds, attempts, lost, answers, took)


def _count(context: Context, query: str) -> int:
    with context.store.read() as transaction:
        return int(transaction.execute(text(query)).scalar_one())


def _moment(column: Any) -> datetime:
    return column if isinstance(column, datetime) else datetime.fromisoformat(str(column))


def lines(outcome: Outcome) -> list[str]:
    """The section's lines."""
    size, differences = outcome.size, len(outcome.wrong)
    answered = ", ".join(f"{number:,} {answer}" for answer, number in outcome.answers.most_common())
    done = (
        f"{datetime.now(SHANGHAI):%Y-%m-%d}, seed {size.seed}, scale {size.scale:g}, {size.workers} workers, SQLite: "
        f"{outcome.effects:,} records in {outcome.batches:,} batches, {outcome.attempts:,} attempts, "
        f"{outcome.took / 60:.1f} minutes as they were. "
        f"**{differences or 'No'} difference{'s' * (differences != 1)} between oracle and ledger.**"
    )
    waits = (
        f"* p50 {outcome.within(0.5):.2f}, p95 {outcome.within(0.95):.2f}, p99 {outcome.within(0.99):.2f}, "
        f"last {outcome.within(1):.2f} minutes, scaled"
    )
    return [
        *(__doc__ or "").strip().splitlines()[2:],
        "",
        done,
        "",
        *(f"* {wrong}" for wrong in outcome.wrong[:20]),
        f"* sends answered: {answered}; of these answers {outcome.lost:,} were lost on the way",
        f"* receipted within 20 minutes of sealing, scaled: {outcome.in_time:.2%} (promised {SHARE:.1%})",
        waits,
    ]


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--records", type=int, default=100_000)
    asked.add_argument("--batch-records", type=int, default=100)
    asked.add_argument("--scale", type=float, default=10)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    size = Size(given.records, given.batch_records, given.scale, given.workers, given.seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        outcome = burst(home, f"sqlite:///{Path(folder) / 'gateway.db'}", size)
    told = lines(outcome)
    print("\n".join(told))
    put_section(REPORT, TITLE, told)
    return 0 if not outcome.wrong and outcome.in_time >= SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
