"""Killed at every named crash point, once each, and started again: it ends like a run that nobody disturbed.

One town lives through all of them, each kill upon what the last one left and upon new records. What may never be
broken is looked at while the gateway lies dead; what must be equal in the end is compared with a calm town.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.crash import POINTS
from sandbox.generator.model import SHANGHAI
from tests.conftest import PostgresqlServer
from tests.deployment import ROOT, Deployment, deployment
from tests.faults.ending import ended
from tests.faults.forked import KILLED, gw
from tests.faults.invariants import violations, violations_at_any_moment
from tests.faults.portions import Portions

RECORDS = 960
SEED = 20261122
BATCH_RECORDS = 20
MOST_CYCLES = 12
MOST_ROUNDS = 20
PASS = {"pull.cursor": 2, "pull.landed": 3, "batch.moved": 3, "order.moved": 2, "track.moved": 2, "seal.sealed": 2}
BEFORE = {"sweep.swept": "s2", "status.asked": "s3", "dispatch.asked": "dispatch.called"}  # killed there first
KILLS = [kill for point in POINTS for kill in (BEFORE.get(point), point) if kill]


def test_every_crash_point_stands_in_the_code_once() -> None:
    passed = [
        node.args[0].value
        for path in (ROOT / "gateway").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "reach" and isinstance(node.args[0], ast.Constant)
    ]
    assert sorted(passed) == sorted(POINTS)


@pytest.fixture(scope="module")
def base() -> datetime:
    return datetime.now(SHANGHAI).replace(microsecond=0)


@pytest.fixture(scope="module")
def calm(base: datetime, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """How it ends in peace."""
    with town_of(tmp_path_factory.mktemp("calm") / "var", base) as (town, portions):
        portions.show(town, portions.left)
        until_quiet(town)
        assert violations(town) == {}
        found = ended(town)
    assert min(map(len, found.values())) > 10
    return found


@pytest.mark.kill
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_killed_at_every_crash_point(
    kind: str, request: pytest.FixtureRequest, calm: dict[str, Any], base: datetime, tmp_path: Path
) -> None:
    url = None
    if kind == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        url = server.create()
    with town_of(tmp_path / "var", base, url) as (town, portions):
        for point in KILLS:
            portions.show(town)
            town.tick(12)
            kill_at(town, point)
            assert violations_at_any_moment(town) == {}, point
        portions.show(town, portions.left)
        until_quiet(town)
        assert violations(town) == {}
        assert {order["create_calls"] for order in town.orders().values()} == {1}
        found = ended(town)
    for name, expected in calm.items():
        assert found[name] == expected, name


@contextmanager
def town_of(var: Path, base: datetime, url: str | None = None) -> Iterator[tuple[Deployment, Portions]]:
    """The same records whenever it is called, in so many portions that every kill meets new ones."""
    portions = Portions(var, records=RECORDS, seed=SEED, base=base, number=len(KILLS) + 1)
    with deployment(var, url, records=RECORDS, seed=SEED, base=base, batch_records=BATCH_RECORDS) as town:
        yield town, portions


def kill_at(town: Deployment, point: str) -> None:
    """Cycles until one dies there: what the point needs may have to wait for the lease of one that was killed."""
    for _ in range(MOST_CYCLES):
        code = gw(town, "run", crash_at=f"{point}:{PASS.get(point, 1)}")
        if code == KILLED:
            return
        assert code in (0, 3), (point, code)
    raise AssertionError(f"{point} was never reached")


def until_quiet(town: Deployment) -> None:
    """Run, and let 12345 work, until nothing waits for a machine."""
    for _ in range(MOST_ROUNDS):
        assert gw(town, "run") in (0, 3)
        if not town.waiting():
            return
        town.tick(12)
    raise AssertionError(f"never quiet: {town.waiting()}")
