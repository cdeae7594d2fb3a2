"""Killed at every named crash point, once each, and started again: it ends like a run that nobody disturbed.

One town lives through all of them, each kill upon what the last one left and upon new records. What may never be
broken is looked at while the gateway lies dead; what must be equal in the end is compared with a calm town.
"""

from __future__ import annotations

import ast
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.crash import POINTS
from sandbox.generator.model import SHANGHAI
from tests.conftest import PostgresqlServer
from tests.deployment import ROOT
from tests.faults.invariants import violations_at_any_moment
from tests.faults.killing import EVERY, INSIDE_A_TRANSACTION, Plan, harm, kill_at, until_quiet

RECORDS = 960


def test_every_crash_point_stands_in_the_code_once() -> None:
    calls = [
        node
        for path in (ROOT / "gateway").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "reach"
    ]
    assert sorted(ast.literal_eval(call.args[0]) for call in calls) == sorted(POINTS)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(RECORDS, len(EVERY) + 1, datetime.now(SHANGHAI).replace(microsecond=0))


@pytest.fixture(scope="module")
def calm(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return plan.in_peace(tmp_path_factory.mktemp("calm") / "var")


@pytest.mark.kill
def test_killed_at_every_crash_point(plan: Plan, calm: dict[str, Any], tmp_path: Path) -> None:
    assert killed(plan, EVERY, calm, tmp_path / "var") == {}


@pytest.mark.kill
@pytest.mark.postgresql
def test_killed_within_every_transaction_on_postgresql(
    plan: Plan, calm: dict[str, Any], tmp_path: Path, postgresql_server: PostgresqlServer
) -> None:
    """A dead client's transaction is the server's to roll back; what lies between transactions is the same on both."""
    assert killed(plan, INSIDE_A_TRANSACTION, calm, tmp_path / "var", postgresql_server.create()) == {}


def killed(plan: Plan, points: list[str], calm: dict[str, Any], var: Path, url: str | None = None) -> dict[str, Any]:
    """What is broken after a town has been killed at these points, one after the other."""
    with plan.town(var, url) as (town, portions):
        for point in points:
            portions.show(town)
            town.tick(12)
            kill_at(town, point)
            assert violations_at_any_moment(town) == {}, point
        portions.show(town, portions.left)
        until_quiet(town)
        return harm(town, calm)
