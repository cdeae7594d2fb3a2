"""Run by hand (``make mutations``): every broken variant of :mod:`tests.faults.broken` is caught at its crash point.

A test that can't fail proves nothing: the same deaths, of our own code, must leave nothing broken.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.generator.model import SHANGHAI
from tests.deployment import Deployment
from tests.faults.broken import VARIANTS, Variant
from tests.faults.forked import Breaking, gw
from tests.faults.killing import Plan, harm, kill_at, until_quiet

RECORDS = 160
MOST_DISPATCHES = 40
ROUNDS = 8  # our own code is quiet after four
HURRIED = {"GW_LEASE_SECONDS": "1"}
DEATHS = sorted({(variant.dies_at, variant.turn) for variant in VARIANTS.values()})


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(RECORDS, 2, datetime.now(SHANGHAI).replace(microsecond=0))


@pytest.fixture(scope="module")
def calm(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return plan.in_peace(tmp_path_factory.mktemp("calm") / "var")


def after_a_death(
    plan: Plan, calm: dict[str, Any], var: Path, point: str, turn: int, breaking: Breaking | None
) -> dict[str, Any]:
    """What is broken in a town that died there once, in its first cycle or, of what needs orders, its second."""
    with plan.town(var, **HURRIED) as (town, portions):
        portions.show(town, portions.left)
        if point.startswith("track."):
            until_quiet(town, 1)
        kill_at(town, point, turn=turn, breaking=breaking)
        if point.startswith("dispatch."):
            dispatched(town)
        until_quiet(town, ROUNDS)
        return harm(town, calm)


def dispatched(town: Deployment) -> None:
    """Dispatch alone, past the lease of the dead: tracking would find what had arrived, and hide what was broken."""
    for _ in range(MOST_DISPATCHES):
        assert gw(town, "dispatch") in (0, 3)
        if not town.count("SELECT COUNT(*) FROM work_order WHERE state IN ('10', '11')"):
            return
    raise AssertionError("orders are still waiting to be called for")


@pytest.mark.kill
@pytest.mark.parametrize("name", VARIANTS)
def test_the_broken_variant_is_caught(name: str, plan: Plan, calm: dict[str, Any], tmp_path: Path) -> None:
    variant: Variant = VARIANTS[name]
    found = after_a_death(plan, calm, tmp_path / "var", variant.dies_at, variant.turn, variant.break_it)
    print(f"{name}: {sorted(found)}")
    assert found != {}


@pytest.mark.kill
@pytest.mark.parametrize(("point", "turn"), DEATHS)
def test_the_same_death_of_our_own_code_is_harmless(
    point: str, turn: int, plan: Plan, calm: dict[str, Any], tmp_path: Path
) -> None:
    assert after_a_death(plan, calm, tmp_path / "var", point, turn, None) == {}
