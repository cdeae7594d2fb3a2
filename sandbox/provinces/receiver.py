"""What every provincial double shares: effects that a test can count, faults on demand, a server in a thread."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from sandbox.doubles.faults import HTTP_KINDS, FaultDesk
from sandbox.doubles.serving import LOOPBACK, bind, port_of
from sandbox.doubles.stage import RequestLog, Stage
from sandbox.generator.model import SHANGHAI

SKEW = timedelta(minutes=5)
Refuse = Callable[[str, dict[str, str]], str | None]  # (kind, record) -> the refusal's words


class Receiver(ABC):
    """``effects``: (kind, record) in the order in which they took effect; ``arrivals``: how often each key came."""

    def __init__(self) -> None:
        self.effects: list[tuple[str, dict[str, str]]] = []
        self.arrivals: Counter[tuple[str, ...]] = Counter()
        self.desk = FaultDesk(HTTP_KINDS)
        self.log = RequestLog()
        self.refuse: Refuse = lambda _kind, _record: None
        self.url = ""

    @abstractmethod
    def routes(self) -> list[Route]: ...

    def effect(self, kind: str, record: dict[str, str]) -> None:
        self.effects.append((kind, record))

    def of(self, kind: str) -> list[dict[str, str]]:
        return [record for its_kind, record in self.effects if its_kind == kind]

    def facts(self) -> dict[str, Any]:
        return {"effects": dict(Counter(kind for kind, _ in self.effects))}


def fresh(time: str) -> bool:
    """Whether ``yyyyMMddHHmmss`` in Asia/Shanghai is now, give or take five minutes."""
    try:
        moment = datetime.strptime(time, "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI)
    except ValueError:
        return False
    return abs(datetime.now(SHANGHAI) - moment) <= SKEW


@contextmanager
def serving(receiver: Receiver) -> Iterator[str]:
    """The receiver's address while it serves, on loopback and a free port."""
    listener = bind(0)
    app = Stage(Starlette(routes=receiver.routes()), receiver.desk, receiver.log, receiver.facts, [])
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    receiver.url = f"http://{LOOPBACK}:{port_of(listener)}"
    thread.start()
    try:
        yield receiver.url
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
