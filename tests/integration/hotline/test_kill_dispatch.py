"""SIGKILL at any instruction of the dispatcher leaves exactly one order each at 12345."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from gateway.domain.order import State
from gateway.stages.dispatch import dispatch
from tests.forkserver import SERVER
from tests.integration.hotline.double import Double, Handler
from tests.integration.hotline.world import make_world, seed

ORDERS = 60
KILLS = 10
LATER = 200.0  # seconds between two dispatchers: past lease and requery


def run_dispatcher(folder: str, url: str, forward: float) -> None:
    world = make_world(Path(folder), url)
    world.clock.forward(forward)
    dispatch(world.context)


@pytest.mark.kill
def test_one_order_each_whatever_is_killed(tmp_path: Path) -> None:
    chance = random.Random(20261122)

    def linger(_handler: Handler, _operation: str) -> bool:
        time.sleep(chance.uniform(0, 0.01))
        return False

    with Double() as double:
        double.before["createOrder"] = [linger] * 10_000
        double.after["createOrder"] = [linger] * 10_000
        ids = seed(make_world(tmp_path, double.url), ORDERS)
        killed = 0
        for number in range(KILLS):
            before = len(double.calls)
            child = SERVER.Process(target=run_dispatcher, args=(str(tmp_path), double.url, number * LATER))
            child.start()
            while len(double.calls) == before and child.is_alive():
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.12))
            child.kill()
            child.join()
            killed += child.exitcode == -9
        assert killed >= KILLS // 2, "the kills came too late to prove anything"
        world = make_world(tmp_path, double.url)
        world.clock.forward(KILLS * LATER)
        for _ in range(6):
            dispatch(world.context)
            world.clock.forward(LATER)
        assert [order.state for order in world.orders()] == [State.PENDING_SIGN_FOR] * ORDERS
        assert sorted(double.orders) == ids
        numbers = {order.external_id: order.remote_no for order in world.orders()}
        assert numbers == {external_id: order["orderNo"] for external_id, order in double.orders.items()}
        assert double.creates == dict.fromkeys(ids, 1), "a create was repeated though the first had arrived"
