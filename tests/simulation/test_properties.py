"""The invariants of delivery as properties: whatever happens in whatever order, they hold after every step of it, and
once faults have ended everything is there once.

``EXAMPLES=500 STEPS=40 make properties`` tries that many courses of so many steps, drawn afresh.
"""

from __future__ import annotations

import os
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as any_of
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.stages.evidence import build, purge
from gateway.stages.reconcile import reconcile
from tests.simulation.acts import FIRST, REASON
from tests.simulation.faults import FAULTS
from tests.simulation.ground import Ground
from tests.simulation.judge import broken, judge
from tests.simulation.story import come_to_rest, mend, strike
from tests.simulation.world import TARGET, World

EXAMPLES, STEPS = int(os.environ.get("EXAMPLES", "10")), int(os.environ.get("STEPS", "10"))
RETENTION_DAYS = 95


class Course(RuleBasedStateMachine):
    """Everything that can happen to a gateway that delivers, in any order."""

    ground: Ground

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.ground, "course")
        self.ground.wire = self.world.wire
        self.purged = False

    @initialize(cases=any_of.integers(1, 3))
    def something_is_there(self, cases: int) -> None:
        self.world.arrive(cases)

    @rule(cases=any_of.integers(1, 3))
    def records_arrive(self, cases: int) -> None:
        if not (self.world.full or self.world.locked):
            self.world.arrive(cases)

    @rule()
    def the_gateway_runs(self) -> None:
        self.world.push()
        self.world.step_over()

    @rule(name=any_of.sampled_from(sorted(FAULTS)))
    def a_fault_strikes_and_the_gateway_runs(self, name: str) -> None:
        strike(self.world, name)
        self.the_gateway_runs()

    @rule(minutes=any_of.sampled_from([0.02, 1, 6, 25, 120, 1440]))
    def time_passes(self, minutes: float) -> None:
        self.world.wait(timedelta(minutes=minutes))

    @rule()
    def stalled_workers_wake(self) -> None:
        self.world.let_go_on()

    @rule()
    def the_day_is_reconciled(self) -> None:
        self._tried(lambda: reconcile(self.world.context, TARGET))

    @precondition(lambda self: not self.purged)
    @rule()
    def months_pass_and_the_archive_is_purged(self) -> None:
        self.purged = True
        self.world.pass_time(timedelta(days=RETENTION_DAYS + 1))
        self._tried(lambda: build(self.world.context))
        self._tried(lambda: purge(self.world.context, FIRST, REASON, retention_days=RETENTION_DAYS, dry_run=False))

    def _tried(self, work: object) -> None:
        """As a run of its own, which may find the platform or the database away."""
        self.world.work(work)  # type: ignore[arg-type]

    @invariant()
    def the_invariants_hold(self) -> None:
        assert broken(self.world) == []

    def teardown(self) -> None:
        try:
            mend(self.world)
            come_to_rest(self.world)
            assert str(judge(self.world)) == ""
        finally:
            self.world.close()


def test_the_invariants_hold_whatever_happens(ground: Ground) -> None:
    Course.ground = ground
    run_state_machine_as_test(
        Course,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize="EXAMPLES" not in os.environ,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
