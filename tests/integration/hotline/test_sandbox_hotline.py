"""Dispatch and track against the sandbox's own strict hotline, through lost answers, until every order is closed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from gateway.domain.order import State
from gateway.settings import Connection
from gateway.stages.dispatch import dispatch
from gateway.stages.track import track
from sandbox.secrets import make_secrets
from tests.integration.hotline.world import World, make_world, seed

ORDERS = 20
STATUSES = 8


@pytest.fixture
def hotline(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address and token of a running double."""
    folder = tmp_path / "sandbox"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "hotline.jsonl").touch()
    token = make_secrets(folder)["hotline"].password
    double = ["sandbox.doubles", "hotline", "--folder", str(folder), "--tick", "0"]
    command = [sys.executable, "-m", "sandbox.leash", *double]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"], token
        process.terminate()


def admin(url: str, path: str, **body: Any) -> dict[str, Any]:
    answer = requests.post(f"{url}/sandbox/{path}", json=body, timeout=10)
    answer.raise_for_status()
    held: dict[str, Any] = answer.json()
    return held


def settle(world: World) -> None:
    for _ in range(12):
        dispatch(world.context)
        world.clock.forward(3600)
    assert {order.state for order in world.orders()} == {State.PENDING_SIGN_FOR}


def test_every_order_exactly_once_until_it_is_closed(tmp_path: Path, hotline: tuple[str, str]) -> None:
    url, token = hotline
    world = make_world(tmp_path, url)
    connection = Connection.model_validate({"host": url, "password": token, "extra": {"path": "/ws"}})
    world.context.settings.connections["hotline"] = connection
    ids = seed(world, ORDERS)
    for kind in ("lose_reply", "502", "cut"):
        admin(url, "faults", kind=kind, times=2, match="createOrder")
    settle(world)
    world.clock.at = datetime.now(UTC) + timedelta(minutes=1)
    noticed = 0
    for _ in range(STATUSES * 3):  # those sent back go round once more
        admin(url, "tick")
        report = track(world.context)
        assert report.unmapped == report.conflicts == report.unreadable == 0
        noticed += report.rectifications
    facts = requests.get(f"{url}/sandbox/oracle", timeout=10).json()["orders"]
    assert sorted(facts) == ids
    assert {fact["created"] for fact in facts.values()} == {1}
    assert {fact["status"] for fact in facts.values()} == {"已结案"}
    assert {order.state for order in world.orders()} == {State.ARCHIVED}
    assert noticed == ORDERS
    assert world.rows("SELECT count(*) FROM ledger_record WHERE kind = 'rectification'") == [(ORDERS,)]
