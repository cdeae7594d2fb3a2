"""One simulated world: a gateway with its real stages, a platform, the way between them, and a clock that we move."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import event, insert

from gateway.crypto.keys import KeyFolder
from gateway.errors import Transient
from gateway.mapping import entry
from gateway.mapping.entry import Entry
from gateway.stages.push import push
from gateway.store import ledger
from gateway.store.ledger import SourceRecord
from gateway.store.tables import raw_page
from tests.integration.delivery.world import RECEIVED, evaluation, service
from tests.simulation import watch
from tests.simulation.ground import BEGINS, Ground
from tests.simulation.receiver import Receiver
from tests.simulation.wire import Wire
from tests.simulation.workers import Ended, Plan, Worker, expected

TARGET = "national"
Group = tuple[list[Entry], bool]  # one source record, and whether it corrects


@cache
def case(number: int, name: str = "食品经营许可") -> Entry:
    """A service record, ready for the ledger; another name is another version."""
    return entry.prepare(service(number, task_name=name))


@cache
def opinion(number: int) -> Entry:
    """Its evaluation."""
    return entry.prepare(evaluation(number))


class World:
    """``broken`` collects what may never happen, in words, from the moment that it is seen."""

    def __init__(self, ground: Ground, seed: str) -> None:
        self.luck = random.Random(seed)
        random.seed(f"{seed}:gateway")  # its jitter
        self._now, self.jump = BEGINS, timedelta(0)
        self.platform_jump = timedelta(0)
        self.place = ground.place()
        self.receiver = Receiver(
            ground.platform_settings(self.place / "platform"),
            ground.own_keys,
            lambda: self._now + self.platform_jump,
        )
        self.wire = Wire(self.receiver, lambda: self._now, self.pass_time)
        self._database = ground.database = self.place / "gateway.db"
        self._eyes = self._open_eyes()
        self.full = self.locked = False
        self.context = replace(
            ground.context,
            settings=ground.context.settings.model_copy(update={"var": self.place / "var"}),
            clock=self.clock,
            keys=KeyFolder(self.place / "keys", clock=self.clock),
            _mappings={},
        )
        event.listen(self.context.store.engine, "connect", self._prepare)
        self.mended_at = BEGINS  # when faults ended
        self.restored = False
        self.stalled: list[tuple[Worker, watch.Leases]] = []  # and the leases known when they fell asleep
        self.broken: list[str] = []
        self.late: list[str] = []  # batches that a machine owned for longer than it may
        self.plans: list[Plan] = []
        self.lasting: list[tuple[int, Callable[[], Any]]] = []  # steps left, and how it ends
        self._arrived: list[Sequence[Group]] = []  # page by page
        self.originals: dict[str, bytes] = {}  # bytes of damaged batches, as an operator finds them elsewhere
        self.cases = 0
        self._backed_up: int | None = None  # pages that had arrived by then

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def clock(self) -> datetime:
        """The gateway's: its database's."""
        return self._now + self.jump

    def pass_time(self, span: timedelta) -> None:
        self._now += span

    def wait(self, span: timedelta) -> None:
        """Time passes while nothing is done here; what was on its way arrives."""
        self.pass_time(span)
        self.wire.deliver_late()

    def lasts(self, steps: int, ends: Callable[[], Any]) -> None:
        """What has begun ends so many steps from now, or when all faults end."""
        self.lasting.append((steps, ends))

    def step_over(self, at_once: bool = False) -> None:
        """A step is over: what lasts ends in its time, or ``at_once``."""
        due = [ends for steps, ends in self.lasting if at_once or steps <= 1]
        self.lasting = [] if at_once else [(steps - 1, ends) for steps, ends in self.lasting if steps > 1]
        for ends in due:
            try:
                ends()
            except Transient:  # the database is away: whoever wanted that tries again
                self.lasting.append((1, ends))

    # ── records ──────────────────────────────────────────────────────────────────────────────────────────────────

    def arrive(self, cases: int) -> None:
        """New cases, each with its evaluation, but the last one's comes with the next; an old case is corrected."""
        first, end = self.cases, self.cases + cases
        groups: list[Group] = [([case(n), opinion(n)], False) for n in range(first, end - 1)]
        groups.append(([case(end - 1)], False))
        if first:
            groups.append(([opinion(first - 1)], False))
            groups.append(([case(self.luck.randrange(first), f"更正{first}")], True))
        self._take(groups)
        self.cases = end

    def all_arrive(self) -> None:
        """The last case's evaluation, which was still to come."""
        self._take([([opinion(self.cases - 1)], False)])

    def _take(self, groups: Sequence[Group]) -> None:
        self._land(len(self._arrived), groups)
        self._arrived.append(groups)

    def _land(self, number: int, groups: Sequence[Group]) -> None:
        """One page of source records, normalised."""
        page = f"{number:032x}"
        about = {"page_id": page, "source_id": "portal", "origin": f"page={number}", "media_type": "application/json"}
        counts = {"landed": len(groups), "stored": len(groups), "quarantined": 0, "duplicate": 0, "unrated": 0}
        moments = {"received_at": RECEIVED, "normalised_at": RECEIVED}
        body = {"body": b"", "body_digest": "0" * 64, "body_bytes": 0}
        with self.context.store.begin() as transaction:
            transaction.execute(insert(raw_page).values(**about, **counts, **moments, **body, state="normalised"))
            for corrects in (False, True):
                chunk = [
                    SourceRecord("portal", page, index, RECEIVED, group, corrects)
                    for index, (group, its) in enumerate(groups)
                    if its is corrects
                ]
                if chunk:
                    ledger.store(transaction, chunk, self.context.vault.seal)

    # ── the gateway at work ──────────────────────────────────────────────────────────────────────────────────────

    def push(self, *plans: Plan) -> Ended:
        """One run of the gateway, watched; what was planned for the next one happens to it."""
        return self.work(lambda: push(self.context, TARGET), *plans)

    def work(self, does: Callable[[], Any], *plans: Plan) -> Ended:
        """A worker that does it, until it ends, dies or stalls."""
        worker = Worker(does, [*plans, *self.plans])
        overtaken, self.plans = bool(worker.plans), []
        leased, attempts = watch.leased(self), watch.attempts(self)
        ended = worker.run()
        if not overtaken:  # what came in between has been looked at by itself
            self.broken += [*watch.touched(self, leased), *watch.used(self, attempts)]
        if ended == "stalled":
            self.stalled.append((worker, watch.leased(self)))
        self._look_at(worker)
        return ended

    def let_go_on(self) -> None:
        """Every stalled worker wakes, in the order in which they fell asleep; leases taken since are not theirs."""
        for worker, known in [*self.stalled]:
            self.stalled.remove((worker, known))
            others = {batch_id: row for batch_id, row in watch.leased(self).items() if known.get(batch_id) != row}
            if worker.run() == "stalled":
                self.stalled.append((worker, watch.leased(self)))
            self.broken += watch.touched(self, others)
            self._look_at(worker)

    def _look_at(self, worker: Worker) -> None:
        if not expected(worker.failed):
            self.broken.append(f"a worker ended with {worker.failed!r}")

    # ── the database ─────────────────────────────────────────────────────────────────────────────────────────────

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """By a connection of our own: who judges doesn't ask by way of whom is judged."""
        with closing(self._eyes.execute(query, values)) as found:
            return found.fetchall()

    def _open_eyes(self) -> sqlite3.Connection:
        return sqlite3.connect(self._database, isolation_level=None, check_same_thread=False)

    def batches_there(self) -> list[dict[str, Any]]:
        """By the platform's books, without what others repeated; a restored gateway knows not all that it sent."""
        there = [] if self.restored else self.receiver.batches()
        return [{**one, "requests": one["requests"] - self.wire.copies[one["batchId"]]} for one in there]

    def back_up(self) -> None:
        """As of now; the records that have arrived by now are in it."""
        with sqlite3.connect(self._database) as source, sqlite3.connect(self.place / "backup.db") as copy:
            source.backup(copy)
        source.close()
        copy.close()
        self._backed_up = len(self._arrived)

    def restore(self) -> None:
        """The database from the backup; what has arrived since is pulled again. Nobody works meanwhile."""
        if self._backed_up is None:
            return
        self.end_stalled()
        self.context.store.close()
        self._eyes.close()
        for file in self.place.glob("gateway.db*"):
            file.unlink()
        shutil.copyfile(self.place / "backup.db", self._database)
        self._eyes = self._open_eyes()
        self.restored = True
        for number in range(self._backed_up, len(self._arrived)):
            self._land(number, self._arrived[number])

    def fill_disk(self) -> None:
        """Nothing more fits, until :meth:`free_disk`."""
        self.full = True
        self.context.store.close()  # connections made from here on know it

    def free_disk(self) -> None:
        self.full = False
        self.context.store.close()

    def lock(self) -> None:
        """Somebody else writes, and doesn't end, until :meth:`unlock`."""
        self.locked = True
        self._holder = sqlite3.connect(self._database, isolation_level=None, check_same_thread=False)
        self._holder.execute("BEGIN IMMEDIATE")

    def unlock(self) -> None:
        if self.locked:
            self.locked = False
            self._holder.execute("ROLLBACK")
            self._holder.close()

    def _prepare(self, connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")  # it dies by our word alone, never with the machine
        connection.execute("PRAGMA busy_timeout = 0")  # one runs at a time: who waits here waits for ever
        if self.full:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

    def end_stalled(self) -> None:
        """Those that stand still are killed where they stand."""
        for worker, _ in self.stalled:
            worker.end()
        self.stalled = []

    def close(self) -> None:
        self.end_stalled()
        self.unlock()
        self._eyes.close()
        self.context.store.close()
        event.remove(self.context.store.engine, "connect", self._prepare)
        self.receiver.close()
        shutil.rmtree(self.place)


@contextmanager
def played(ground: Ground, seed: str) -> Iterator[World]:
    """A world of its own as long as the block lasts."""
    world = World(ground, seed)
    ground.wire = world.wire
    try:
        yield world
    finally:
        world.close()
        ground.wire = None
