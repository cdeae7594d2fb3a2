"""What a campaign of kills did and what it broke, and the page that keeps the last one's result."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gateway.crash import POINTS
from sandbox.generator.model import SHANGHAI
from tests.faults.killing import IN_A_CYCLE
from tests.faults.page import put_head

HEAD = """# Faults: the last campaign of kills

Written by `make faults` (`python -m tests.faults.campaign [--repeats N] [--seed S]`). In every round a town of its
own dies by SIGKILL at every crash point of `gateway/crash.py`, in an order drawn from the seed, each death upon what
the last one left and upon new records. Half of the time a second worker runs beside it; the platform is killed and
restarted, also in the middle of a batch (its points r1 to r4); one answer in twenty is lost on the way, from the
platform and from 12345; each process has a clock that may be 150 s behind or 70 s or 150 s ahead. Then faults end,
and the town must come to rest equal to one that nobody disturbed: ledger, quarantine, orders, effects at the
platform, by its own books. The invariants of `tests/faults/invariants.py` are asked after every death as well.

Not in it: PostgreSQL restarted, wrong or forged receipts, a full disk; archive, purge, repairs and
restores, which `tests/integration/evidence` kills.
"""


@dataclass
class Tally:
    """Deaths by crash point, what else happened by name, and every harm in words; nothing of a record."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    rounds: list[str] = field(default_factory=list)  # the database of each
    effects: int = 0
    orders: int = 0
    harms: list[str] = field(default_factory=list)


def write_report(file: Path, tally: Tally, seconds: float) -> None:
    """The page of this campaign in place of the last one's."""
    databases = ", ".join(f"{count} on {name}" for name, count in Counter(tally.rounds).items())
    done = (
        f"{datetime.now(SHANGHAI):%Y-%m-%d}, seed {tally.seed}: {len(tally.rounds)} rounds ({databases}), "
        f"{tally.kills.total():,} deaths, {seconds / 60:.0f} minutes; {tally.effects:,} records at the platform and "
        f"{tally.orders:,} orders at 12345 compared. **{len(tally.harms) or 'Nothing'} broken.**"
    )
    lines = [
        *(HEAD, done, ""),
        *(f"* {harm}" for harm in tally.harms),
        *(f"* {name}: {count:,}" for name, count in sorted(tally.events.items())),
        "",
        "| crash point | the process died when | deaths |",
        "|---|---|---|",
        *(f"| `{point}` | {words} | {tally.kills[point]} |" for point, words in POINTS.items() if point in IN_A_CYCLE),
    ]
    put_head(file, "\n".join(lines))
