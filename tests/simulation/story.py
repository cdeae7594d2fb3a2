"""How a world is played: records arrive, faults strike, the gateway runs, time passes; then faults end, and it must
come to rest by itself, but for what a person has been told of."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.errors import GatewayError
from gateway.reports.stuck import Stuck, stuck
from gateway.stages.reconcile import reconcile
from tests.simulation import acts
from tests.simulation.faults import FAULTS, KINDS
from tests.simulation.ground import Ground
from tests.simulation.judge import Verdict, judge, moment, overdue, unowned
from tests.simulation.world import TARGET, World, played

MINUTE = timedelta(minutes=1)
REST = (1, 4, 5, 5, 10, 30, 61, 61)  # minutes between the runs of the scheduler once faults have ended
LATER = 4  # runs beyond, each when the next thing is due
OPERATOR_ROUNDS = 6
GAPS = (1 / 60, 0.5, 2, 2, 7, 25, 120)  # minutes between two steps


WAITING = """
    SELECT (SELECT COUNT(*) FROM batch
        WHERE state IN ('QUEUED', 'SENDING', 'AWAITING_RECEIPT', 'UNCERTAIN', 'RETRY_WAIT'))
    + (SELECT COUNT(*) FROM void_notice WHERE state = 'waiting') + (SELECT COUNT(*) FROM bundle)
    + (SELECT COUNT(*) FROM ledger_record WHERE position > (SELECT MAX(position) FROM target_state))
    + (SELECT COUNT(*) FROM delivery_hold WHERE reason IN ('released', 'parent.unseen'))
    + (SELECT COUNT(*) FROM delivery_hold h JOIN ledger_record child ON child.position = h.position
        JOIN ledger_record parent ON parent.record_key = child.parent_key
        JOIN batch_record r ON r.position = parent.position JOIN batch b ON b.number = r.batch_number
        WHERE h.reason = 'parent.missing' AND (r.code IS NULL OR r.code = 'duplicate')
        AND b.state IN ('ACKNOWLEDGED', 'PARTIALLY_ACCEPTED', 'RECONCILED'))
"""
NEXT_DUE = """
    SELECT MIN(due) FROM (
        SELECT next_attempt_at AS due FROM batch
        WHERE state IN ('QUEUED', 'AWAITING_RECEIPT', 'UNCERTAIN', 'RETRY_WAIT')
        UNION SELECT lease_until FROM batch WHERE state = 'SENDING'
        UNION SELECT next_attempt_at FROM void_notice WHERE state = 'waiting'
    ) WHERE due IS NOT NULL
"""


@dataclass(frozen=True)
class Step:
    """``cases`` arrive, ``faults`` strike, the gateway runs, ``minutes`` pass."""

    cases: int = 0
    faults: tuple[str, ...] = ()
    minutes: float = 2


@dataclass(frozen=True)
class Story:
    """What is played, and how it is named: with its seed it plays alike each time."""

    name: str
    steps: tuple[Step, ...] = field(default=())


def with_faults(*faults: tuple[int, str], cases: Sequence[int] = (3, 2, 1)) -> Story:
    """The plain story, struck by each fault at its step."""
    steps = [Step(number) for number in cases]
    for at, name in faults:
        steps[at] = Step(steps[at].cases, (*steps[at].faults, name), steps[at].minutes)
    return Story(" + ".join(f"{name} ({at + 1})" for at, name in faults) or "in peace", tuple(steps))


def singles() -> list[Story]:
    """Nothing, and every fault alone at each of the three steps."""
    return [with_faults(), *(with_faults((at, name)) for at in range(3) for name in FAULTS)]


def kinds() -> list[Story]:
    """Every kind of fault alone, at the first step."""
    return [with_faults((0, name), cases=(2, 1)) for name in KINDS]


def pairs() -> list[Story]:
    """Every kind of fault with every kind, itself included: the second strikes what the first has left."""
    both = [(one, other) for at, one in enumerate(KINDS) for other in KINDS[at:]]
    turned = [pair[::-1] if number % 2 else pair for number, pair in enumerate(both)]
    return [with_faults((0, first), (1, second), cases=(2, 1)) for first, second in turned]


def drawn(seed: int, number: int) -> Story:
    """A random schedule: the ``number``-th of that seed."""
    luck = random.Random(f"{seed}:{number}")
    names = sorted(FAULTS)
    steps = [Step(2, tuple(luck.sample(names, luck.choice((0, 1, 1, 2)))), luck.choice(GAPS))]
    for _ in range(luck.randint(2, 4)):
        faults = tuple(luck.sample(names, luck.choice((0, 1, 1, 2, 3))))
        steps.append(Step(luck.randint(0, 2), faults, luck.choice(GAPS)))
    return Story(f"schedule {number}", tuple(steps))


def play(ground: Ground, story: Story, seed: int, look: Callable[[World], object] | None = None) -> Verdict:
    """The whole story in a world of its own, and what was broken in it; the same each time for the same ``seed``.

    ``look``: what else somebody wants to know of the world at its end.
    """
    with played(ground, f"{seed}:{story.name}") as world:
        for step in story.steps:
            play_step(world, step)
        mend(world)
        come_to_rest(world)
        if look is not None:
            look(world)
        return judge(world)


def play_step(world: World, step: Step) -> None:
    if step.cases:
        with suppress(GatewayError):  # the database may be away: the sources are asked again
            world.arrive(step.cases)
    for name in step.faults:
        strike(world, name)
    world.push()
    world.wait(step.minutes * MINUTE)
    world.step_over()


def strike(world: World, name: str) -> None:
    with suppress(GatewayError):  # an act that can't be done just now isn't
        FAULTS[name].strike(world)


def mend(world: World) -> None:
    """All faults end; whoever stood still wakes."""
    world.unlock()
    world.free_disk()
    world.plans = []
    world.wire.clear()
    world.receiver.platform.faults.clear()
    world.step_over(at_once=True)
    while world.stalled:
        world.let_go_on()
    world.jump = world.platform_jump = timedelta(0)
    world.mended_at = world.clock()
    if world.cases:
        world.all_arrive()


def come_to_rest(world: World) -> None:
    """Machines go on alone for as long as they may; then people do what they were told to; then machines again."""
    rest_alone(world)
    for number in range(OPERATOR_ROUNDS):
        told = stuck(world.context.store, world.clock())
        if number == 0:
            world.broken += unowned(world, told)
            if world.restored:
                acts.recover_books(world)
        if not told:
            break
        for line in told:
            answer(world, line)
        world.pass_time(acts.leave_unproven(world))
        rest_alone(world)
    agreed = reconcile(world.context, TARGET).agreed
    if world.restored:  # what our books lack is told as a difference, and settled by two people
        acts.do(world, acts.BatchAct.RESOLVE, acts.ids(world, "DISPUTED"))
    elif not agreed:
        world.broken.append("a day differs from the platform's")


def rest_alone(world: World) -> None:
    """The scheduler's runs; what a machine owns must not outlast its time."""
    for minutes in (*REST, *[None] * LATER):
        span = MINUTE * minutes if minutes else _until_due(world)
        world.pass_time(span)
        world.push()
        late = overdue(world, since=span)
        world.late += late
        if late or quiet(world):
            return


def _until_due(world: World) -> timedelta:
    """What was put off by a clock far ahead waits for its time."""
    (due,) = world.rows(NEXT_DUE)[0]
    return max(MINUTE, moment(due) - world.clock() + MINUTE) if due else 61 * MINUTE


def quiet(world: World) -> bool:
    """Nothing is left that a machine could do, now or later."""
    return world.rows(WAITING)[0][0] == 0


def answer(world: World, line: Stuck) -> None:
    """What the command in ``line`` does, by a person who has removed the cause."""
    if line.code in ("batch.expired", "batch.held"):
        acts.cancel_untimely(world)
    if line.code == "batch.sequence":
        acts.recover_books(world)
    if line.what == "target":
        acts.resume_all(world)
    elif line.state == "SUSPENDED" and line.code != "batch.sequence":
        acts.do(world, acts.BatchAct.RESUME, list(line.ids))
    elif line.state == "FAILED":
        acts.do(world, acts.BatchAct.RETRY, list(line.ids))
    elif line.state == "INTERRUPTED":
        acts.restore_bytes(world)
    elif line.state == "DISPUTED":
        acts.do(world, acts.BatchAct.RESOLVE, list(line.ids))
