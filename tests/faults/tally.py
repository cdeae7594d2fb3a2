"""What a campaign of kills did and what it broke, and the page that keeps the last one's result."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gateway.crash import POINTS
from sandbox.generator.model import SHANGHAI
from tests.faults.page import put_head

HEAD = """# Faults: the last campaign of kills

Written by `make faults` (`python -m tests.faults.campaign [--repeats N] [--seed S]`). In every round a town of its
own dies by SIGKILL at every crash point of `gateway/crash.py`, those of a cycle in an order drawn from the seed, each
death upon what the last one left and upon new records. Around every death something else is wrong as well, drawn from
the same seed (`tests/faults/troubles.py`): half of the time a second worker runs beside it; the platform is killed and
restarted, also in the middle of a batch (its points r1 to r4); PostgreSQL's first process gets SIGKILL, or the server
is stopped at once, while a stage works on it, and is started again; the network loses a request, cuts it after 1, 50 or
99 % of its bytes, swallows or cuts its answer, delivers it twice, answers after the deadline, or delivers it after it
was given up; the platform answers 429, 500, 503, a web page, a receipt later, or one that is none (wrong batch, digest,
root, counts, key or signature, none or two); one answer in twenty is lost anyhow, from the platform and from 12345;
each process has a clock that may be 150 s behind or 70 s or 150 s ahead. What suspends the target is resumed by an
operator's command.

Then faults end, and the town must come to rest equal to one that nobody disturbed: ledger, quarantine, orders, effects
at the platform, by its own books. The invariants of `tests/faults/invariants.py` are asked after every death as well.

At rest, the acts of people follow (`tests/faults/by_hand.py`), each killed at its points and begun again: a day pulled
anew; everything lost at the platform, sent again with the same bytes and signed by two; the days archived and, 100 days
later, purged, the chain verified; a backup from before the last records restored, and the way back to the platform's
end of the sequence. The town is compared with the undisturbed one after each.

Not in it: a full disk (`tests/faults/test_night.py`, `tests/integration/inbox/test_inbox_store_away.py`).
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

    def add(self, other: Tally) -> None:
        """What another round did, too."""
        self.kills.update(other.kills)
        self.events.update(other.events)
        self.rounds += other.rounds
        self.effects += other.effects
        self.orders += other.orders
        self.harms += other.harms


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
        *(f"| `{point}` | {words} | {tally.kills[point]} |" for point, words in POINTS.items()),
    ]
    put_head(file, "\n".join(lines))
