"""The catalogue: every fault that a simulated world can be struck by, named, with its row of the specification.

A fault that lasts names when it ends; :func:`tests.simulation.story.mend` ends all that still last.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final, NamedTuple

from tests.simulation import acts
from tests.simulation.wire import Trouble
from tests.simulation.workers import BEGIN, COMMIT, COMMITTED, OUTSIDE, Plan, die, lose, meanwhile, stall
from tests.simulation.world import World

Strike = Callable[[World], object]


class Fault(NamedTuple):
    """``row``: of the table of faults (FLT)."""

    row: int
    strike: Strike


def wire(trouble: Trouble, call: str = "batches", times: int = 1) -> Strike:
    return lambda world: world.wire.order(trouble, call, times)


def platform(fault: str, **wish: object) -> Strike:
    return lambda world: world.receiver.order(fault, **wish)


def killed(point: str, turn: int = 1) -> Strike:
    return lambda world: world.plans.append(Plan(point, die, turn))


def database_lost(point: str, turn: int) -> Strike:
    return lambda world: world.plans.append(Plan(point, lose, turn))


def overtaken(point: str) -> Strike:
    """A second worker comes and goes while the first stands there."""
    return lambda world: world.plans.append(Plan(point, meanwhile(world.push)))


def swept(point: str) -> Strike:
    """The first stands there for longer than its lease; a second one comes and goes; then the first wakes."""

    def others(world: World) -> None:
        world.pass_time(timedelta(seconds=90))
        world.push()

    return lambda world: world.plans.append(Plan(point, meanwhile(lambda: others(world))))


def stalled(point: str) -> Strike:
    """The worker stands still there and wakes after the next one has run, its lease long lapsed."""

    def strike(world: World) -> None:
        world.plans.append(Plan(point, stall))
        world.lasts(2, world.let_go_on)

    return strike


def stale_answer(world: World) -> None:
    """One stalls with an answer that allows another try; while the next one holds that try's lease, it wakes."""
    world.receiver.order("http_503", call="batches")
    world.plans.append(Plan("s3", stall))
    world.lasts(1, lambda: world.plans.append(Plan("s2", meanwhile(world.let_go_on))))
    world.lasts(2, world.let_go_on)


def breaker_opens(world: World) -> None:
    """Many batches meet a platform that is down; a run that begins now finds the breaker open."""
    world.arrive(9)
    down(1)(world)
    world.push()


def poison(world: World) -> None:
    """The newest case, unless the platform has taken it before: it doesn't contradict itself."""
    key = f"P{world.cases - 1:06d}#1"
    if all(taken != key for _, taken, _ in world.receiver.effects()):
        world.receiver.order("poison", key=key, times=None)


def byte_changes(world: World) -> None:
    """Of a batch that is about to be claimed."""
    world.plans.append(Plan("s1", meanwhile(lambda: acts.damage(world))))


def lasting(begins: Callable[[World], object], ends: Callable[[World], object], steps: int = 1) -> Strike:
    def strike(world: World) -> None:
        begins(world)
        world.lasts(steps, lambda: ends(world))

    return strike


def down(steps: int) -> Strike:
    def turned(off: bool) -> Callable[[World], None]:
        return lambda world: setattr(world.wire, "down", off)

    return lasting(turned(True), turned(False), steps)


def clock_jumps(**span: float) -> Strike:
    """The gateway's clock, its database's, is wrong for a while."""
    return lasting(
        lambda world: setattr(world, "jump", timedelta(**span)), lambda world: setattr(world, "jump", timedelta(0))
    )


def platform_clock_jumps(**span: float) -> Strike:
    return lasting(
        lambda world: setattr(world, "platform_jump", timedelta(**span)),
        lambda world: setattr(world, "platform_jump", timedelta(0)),
    )


def time_passes(**span: float) -> Strike:
    return lambda world: world.pass_time(timedelta(**span))


SPOILED = ("batch_id", "header_digest", "merkle_root", "counts", "key", "signature", "unsigned", "two_signatures")
REFUSED = ("auth.signature", "auth.time", "auth.sender")
JUDGED = (
    *("batch.transfer", "batch.suite", "batch.recipient", "batch.signature", "batch.decrypt", "batch.expired"),
    *("batch.conflict", "batch.sequence", "batch.malformed", "batch.digest", "batch.too_large"),
)
CRASH_POINTS: Final = {
    **dict.fromkeys(("s1", "s2", "s3", "s4", "send.leaving", "receipt.stored", "batch.moved"), 1),
    **dict.fromkeys(("seal.marked", "seal.stored", "seal.sealed"), 9),
}
HOLDING = ("s2", "send.leaving", "s3")  # where a worker holds a lease
ELSEWHERE = tuple(point for point in OUTSIDE if point not in HOLDING)
SIDES = {"crash_r1": 5, "crash_r2": 5, "crash_r3": 6, "crash_r4": 6}

FAULTS: Final[dict[str, Fault]] = {
    **{f"killed at {point}": Fault(row, killed(point)) for point, row in CRASH_POINTS.items()},
    "killed at s3, second pass": Fault(8, killed("s3", 2)),
    "killed at batch.moved, third pass": Fault(8, killed("batch.moved", 3)),
    **{f"killed before commit {turn}": Fault(9, killed(COMMIT, turn)) for turn in (2, 7)},
    **{f"killed after commit {turn}": Fault(9, killed(COMMITTED, turn)) for turn in (5, 9)},
    **{f"the call: {trouble}": Fault(_row, wire(trouble)) for trouble, _row in (
        (Trouble.REFUSED, 3), (Trouble.SWALLOWED, 3), (Trouble.CUT, 4), (Trouble.DAMAGED, 4), (Trouble.DELAYED, 7),
        (Trouble.REPLY_LOST, 7), (Trouble.REPLY_LATE, 7), (Trouble.REPLY_CUT, 24), (Trouble.SLOW, 40),
        (Trouble.DOUBLED, 34), (Trouble.REPEATED, 34), (Trouble.REPLAYED, 34), (Trouble.BAD_GATEWAY, 17),
        (Trouble.GATEWAY_TIMEOUT, 7), (Trouble.SERVER_ERROR, 17), (Trouble.UNTRUSTED, 35),
    )},
    "three replies lost": Fault(7, wire(Trouble.REPLY_LOST, times=3)),
    "six 500 though applied": Fault(17, wire(Trouble.SERVER_ERROR, times=6)),
    "the query: lost": Fault(7, wire(Trouble.SWALLOWED, "status", 2)),
    "the query: 502": Fault(7, wire(Trouble.BAD_GATEWAY, "status", 2)),
    "the void notice: answer lost": Fault(7, wire(Trouble.REPLY_LOST, "voids")),
    "the void notice: lost": Fault(7, wire(Trouble.SWALLOWED, "voids")),
    **{f"the platform dies at {point[-2:]}": Fault(row, platform(point)) for point, row in SIDES.items()},
    "the platform is down for a while": Fault(17, down(1)),
    "the platform is down for longer": Fault(17, down(3)),
    "the breaker opens": Fault(17, breaker_opens),
    "children that the platform never sees with their parents": Fault(
        19, platform("refuse_records", code="parent.missing", kind="evaluation", times=None)
    ),
    "the platform restarts": Fault(5, lambda world: world.receiver.restart()),
    "503": Fault(17, platform("http_503")),
    "500 seven times": Fault(17, platform("http_500", times=7)),
    "429 with Retry-After": Fault(17, platform("retry_after", status=429, seconds=90, call="batches")),
    "503 until a date": Fault(17, platform("retry_after", form="date", seconds=600, call="batches")),
    "half of all calls 503": Fault(17, platform("http_503", rate=0.5, seed=3)),
    "processing for a while": Fault(13, platform("processing", polls=1)),
    "processing for long": Fault(13, platform("processing", polls=40)),
    "an HTML page with 200": Fault(24, platform("garbled")),
    **{f"receipt with wrong {what}": Fault(14, platform("bad_receipt", variant=what)) for what in SPOILED},
    **{f"refused {code}": Fault(18, platform("auth", code=code, call="batches")) for code in REFUSED},
    **{f"refused {code}": Fault(18, platform("refuse", code=code)) for code in JUDGED},
    "a poison record": Fault(20, poison),
    "a record refused": Fault(19, platform("refuse_records", code="item.unknown", count=1)),
    "a parent refused": Fault(19, platform("refuse_records", code="region.unknown", count=2, kind="service")),
    "a child before its parent, they say": Fault(
        19, platform("refuse_records", code="parent.missing", count=1, kind="evaluation")
    ),
    "every record of a batch refused": Fault(19, platform("refuse_records", code="identity.invalid")),
    "receipts asked for five times": Fault(12, acts.ask_again),
    **{f"a second worker while the first is at {point}": Fault(10, overtaken(point)) for point in OUTSIDE},
    **{f"a lease lapses at {point}, a second worker takes over": Fault(11, swept(point)) for point in OUTSIDE},
    **{f"a worker stalls at {point} and wakes late": Fault(11, stalled(point)) for point in HOLDING},
    "a worker wakes with a stale answer": Fault(11, stale_answer),
    "the clock 10 minutes ahead": Fault(16, clock_jumps(minutes=10)),
    "the clock 10 minutes behind": Fault(16, clock_jumps(minutes=-10)),
    "the clock 4 minutes ahead": Fault(16, clock_jumps(minutes=4)),
    "the clock a day ahead": Fault(16, clock_jumps(days=1)),
    "the clock a day behind": Fault(16, clock_jumps(days=-1)),
    "the platform's clock a day ahead": Fault(16, platform_clock_jumps(days=1)),
    "a night passes": Fault(16, time_passes(hours=12)),
    "four days pass": Fault(16, time_passes(days=4)),
    "31 days pass": Fault(16, time_passes(days=31)),
    **{f"the database is lost before commit {turn}": Fault(21, database_lost(COMMIT, turn)) for turn in (1, 6)},
    **{f"the database is lost after commit {turn}": Fault(21, database_lost(COMMITTED, turn)) for turn in (5, 8)},
    "the database is away": Fault(21, database_lost(BEGIN, 3)),
    "the database is locked": Fault(21, lasting(World.lock, World.unlock)),
    "the disk is full": Fault(22, lasting(World.fill_disk, World.free_disk, 2)),
    "a stored byte changes": Fault(23, byte_changes),
    "a sealed cell changes": Fault(23, acts.damage_cell),
    "the platform signs with a new key": Fault(36, acts.rotate_platform),
    "our key is replaced": Fault(36, acts.rotate_ours),
    "our key is replaced, registered late": Fault(36, lasting(acts.rotate_unregistered, acts.register_ours)),
    "a maintenance window": Fault(41, acts.maintain),
    "an operator suspends the target": Fault(41, acts.suspend),
    "an operator holds a batch": Fault(41, acts.act("suspend")),
    "an operator cancels what waits": Fault(41, acts.act("cancel")),
    "an operator splits what waits": Fault(41, acts.act("split")),
    "an operator retries all": Fault(41, acts.act("retry")),
    "an operator resumes all": Fault(41, acts.resume_all),
    "yesterday's database is restored": Fault(42, lasting(World.back_up, World.restore)),
}  # fmt: skip

ALIKE: Final = frozenset(
    {
        *(f"receipt with wrong {what}" for what in SPOILED if what not in ("counts", "key")),
        *(f"refused {code}" for code in ("auth.time", "auth.sender", "batch.suite", "batch.recipient")),
        *(f"refused {code}" for code in ("batch.signature", "batch.decrypt", "batch.digest", "batch.too_large")),
        *(f"a second worker while the first is at {point}" for point in ELSEWHERE),
        *(f"a lease lapses at {point}, a second worker takes over" for point in ELSEWHERE),
        *(
            "killed at s1",
            "killed at s4",
            "killed at seal.marked",
            "killed at s3, second pass",
            "killed at seal.sealed",
        ),
        *("killed before commit 7", "killed after commit 9", "the database is lost after commit 8"),
        *("a worker stalls at s3 and wakes late", "a second worker while the first is at s3"),
        *("a lease lapses at s3, a second worker takes over", "three replies lost", "503 until a date"),
        *("the platform is down for a while", "the void notice: lost", "refused batch.transfer"),
        *("the clock 4 minutes ahead", "the clock 10 minutes behind", "killed at batch.moved, third pass"),
        *("the platform dies at r1", "the platform dies at r4", "the database is lost before commit 1"),
    }
)
"""Variants of a kind that others stand for in pairs."""
KINDS: Final = [name for name in FAULTS if name not in ALIKE]
