"""What goes wrong around a death: the platform, the network before it, PostgreSQL, clocks, receipts that are none.

Each trouble is drawn from the seed and ends by itself; what a person must put right, the operator here does as the
runbook says, with ``gw`` and a reason.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

from sandbox.wire import Wire
from tests.deployment import Deployment
from tests.faults.forked import gw
from tests.faults.tally import Tally
from tests.postgresql import PrivateServer

JUMPS = (0.0, 0.0, 0.0, -150.0, 70.0, 150.0)  # seconds; beyond the breaker's minute, within what the platform takes
LOST_ANSWERS = 0.05
SEND_SECONDS = 2.0
SPOILT = ("batch_id", "header_digest", "merkle_root", "counts", "key", "signature", "unsigned", "two_signatures")
NETWORK: dict[str, dict[str, Any]] = {
    "a request is lost": {"name": "lost"},
    "a request is cut after its first bytes": {"name": "cut", "share": 0.01},
    "a request is cut in its middle": {"name": "cut", "share": 0.5},
    "a request is cut before its last bytes": {"name": "cut", "share": 0.99},
    "an answer is swallowed": {"name": "swallowed"},
    "an answer is cut": {"name": "torn"},
    "a request arrives twice": {"name": "twice"},
    "an answer comes after the deadline": {"name": "late", "seconds": SEND_SECONDS + 0.5},
    "a request arrives after it was given up": {"name": "strayed", "seconds": 1.0},
}
PLATFORM: dict[str, dict[str, Any]] = {
    "503": {"fault": "http_503", "times": 2},
    "500": {"fault": "http_500", "times": 2},
    "429 with Retry-After": {"fault": "retry_after", "status": 429, "seconds": 1},
    "a receipt comes later": {"fault": "processing", "polls": 2},
    "an answer is a web page": {"fault": "garbled"},
    "credentials are refused": {"fault": "auth", "call": "batches"},
    "the connection is cut unread": {"fault": "down", "call": "batches"},
}


class Troubles:
    """Of one town. ``server`` is its PostgreSQL, if it has one that may be killed."""

    def __init__(
        self, town: Deployment, wire: Wire, server: PrivateServer | None, chance: random.Random, tally: Tally
    ) -> None:
        self._town, self._wire, self._server, self._chance, self._tally = town, wire, server, chance, tally

    def arise(self) -> None:
        """Answers are lost; mostly something else is wrong as well."""
        self.cease()
        national, hotline = (self._town.sandbox.desks[name] for name in ("national", "hotline"))
        national.post("/sandbox/faults", self._lossy("fault"))
        hotline.post("/sandbox/faults", {**self._lossy("kind"), "match": "createOrder"})
        if self._chance.random() < 0.25:
            national.post("/sandbox/faults", {"fault": f"crash_r{self._chance.randint(1, 4)}"})
        if self._chance.random() < 0.2:
            self._town.sandbox.kill("national")
        self._chance.choice([self._network, self._network, self._platform, self._receipt])()

    def cease(self) -> None:
        """No faults any more, and the platform is up; what strays has arrived."""
        self._town.more.clear()
        self._town.more["GW_SEND_SECONDS"] = str(SEND_SECONDS)
        self._wire.clear()
        self._town.sandbox.desks["hotline"].mend()
        self.revive()
        try:
            self._town.sandbox.desks["national"].mend()
        except requests.ConnectionError:  # it was dying as we looked; a new one has no faults
            self._town.sandbox.doubles["national"].process.wait()
            self.revive()

    def revive(self) -> None:
        """A platform that died starts again, with what it had stored."""
        if self._town.sandbox.doubles["national"].process.poll() is not None:
            self._town.sandbox.restart("national")
            self._count("platform killed and restarted")

    def resume(self) -> None:
        """The operator has looked into it: whatever stood still goes on."""
        asked = "SELECT suspended_code FROM target_state WHERE target_id = 'national' AND suspended_code IS NOT NULL"
        if self._town.rows(asked):
            gw(self._town, "target", "resume", "national", "--reason", "已与平台核实")
            self._count("target suspended, resumed by the operator")

    def jump(self) -> float:
        """By how many seconds the next process's clock is wrong."""
        shift = self._chance.choice(JUMPS)
        if shift:
            self._count("clock jumps")
        return shift

    @contextmanager
    def meanwhile(self) -> Iterator[bool]:
        """While a process lives its database may die, and be started again; whether it does."""
        dies = self._server is not None and self._chance.random() < 0.3
        if self._server is None or not dies:
            yield False
            return
        death = threading.Thread(target=self._database_dies, args=(self._server, self._chance.uniform(0.1, 1.2)))
        death.start()
        try:
            yield True
        finally:
            death.join()
            self._town.store.engine.dispose()

    def _database_dies(self, server: PrivateServer, after: float) -> None:
        how: Callable[[], None] = server.kill if self._chance.random() < 0.5 else server.stop
        time.sleep(after)
        how()
        server.start()
        self._count("PostgreSQL killed (SIGKILL) and started" if how == server.kill else "PostgreSQL stopped at once")

    def _network(self) -> None:
        told = self._chance.choice(sorted(NETWORK))
        self._wire.order(**NETWORK[told])
        through = {**self._town.sandbox.connections["national"], "host": "127.0.0.1", "port": self._wire.port}
        near = [f"{one['host']}:{one['port']}" for one in self._town.sandbox.connections.values()]
        self._town.more["GW_CONN_NATIONAL"] = json.dumps(through)
        self._town.more["GW_ALLOWED_HOSTS"] = ",".join([*near, f"127.0.0.1:{self._wire.port}"])
        self._count(told)

    def _platform(self) -> None:
        told = self._chance.choice(sorted(PLATFORM))
        self._order(PLATFORM[told])
        self._count(told)

    def _receipt(self) -> None:
        variant = self._chance.choice(SPOILT)
        self._order({"fault": "bad_receipt", "variant": variant})
        self._count(f"a receipt that is none: {variant}")

    def _order(self, fault: dict[str, Any]) -> None:
        self.revive()
        self._town.sandbox.desks["national"].post("/sandbox/faults", fault)

    def _lossy(self, what: str) -> dict[str, Any]:
        order: dict[str, Any] = {what: "lose_reply", "rate": LOST_ANSWERS}
        return order | ({"seed": self._chance.randint(1, 10**6)} if what == "fault" else {})

    def _count(self, event: str) -> None:
        self._tally.events[event] += 1
