"""Workers (工作进程) that die, stall or are overtaken at named points, one at a time: whose turn it is, the world says.

A worker is a thread that runs only while somebody waits for it, so that a schedule plays alike each time. Beside the
crash points of :mod:`gateway.crash` each transaction is one: before it begins, before and after it is committed.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway import crash
from gateway.errors import GatewayError, Transient
from gateway.store import Store, Transaction

BEGIN, COMMIT, COMMITTED = "store.begin", "store.commit", "store.committed"
OUTSIDE = ("s1", "s2", "send.leaving", "s3", "s4", "seal.sealed", "status.asked")  # where nothing is locked
Ended = Literal["done", "stalled", "killed", "failed"]


class Killed(BaseException):
    """SIGKILL: no handler of ours may catch it, and what was not committed is rolled back."""


@dataclass(slots=True)
class Plan:
    """What becomes of a worker at the ``turn``-th pass of a point."""

    point: str
    act: Callable[[Worker], None]
    turn: int = 1


@dataclass
class Worker:
    """One process of the gateway at work. ``failed``: what it ended with; anything but an error of ours is a bug."""

    work: Callable[[], Any]
    plans: list[Plan]
    result: Any = None
    failed: BaseException | None = None
    stalled: bool = False
    _go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _stopped: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _thread: threading.Thread | None = None
    _kill: bool = False

    def run(self) -> Ended:
        """Let it go on until it ends, dies or stalls."""
        self.stalled = False
        if self._thread is None:
            self._thread = threading.Thread(target=self._live, daemon=True)
            self._thread.start()
        self._go.release()
        self._stopped.acquire()
        if self.stalled:
            return "stalled"
        self._thread.join()
        if self.failed is None:
            return "done"
        return "killed" if isinstance(self.failed, Killed) else "failed"

    def end(self) -> None:
        """Kill it where it stands."""
        if self.stalled:
            self._kill = True
            self.run()

    def stall(self) -> None:
        """Called on its own thread: stop here until somebody lets it go on (SIGSTOP, SIGCONT)."""
        self.stalled = True
        self._stopped.release()
        self._go.acquire()
        if self._kill:
            raise Killed

    def pass_by(self, point: str) -> None:
        """Called on its own thread: what was planned for this pass happens."""
        for plan in list(self.plans):
            if plan.point == point:
                plan.turn -= 1
                if plan.turn == 0:
                    self.plans.remove(plan)
                    plan.act(self)

    def _live(self) -> None:
        self._go.acquire()
        _here.worker = self
        try:
            self.result = self.work()
        except BaseException as failed:
            self.failed = failed
        finally:
            self._stopped.release()


class _Here(threading.local):
    worker: Worker | None = None


_here = _Here()


def die(_worker: Worker) -> None:
    """SIGKILL."""
    raise Killed


def lose(_worker: Worker) -> None:
    """The database is away: whoever asked knows no more than that."""
    raise Transient("store.unreachable", address="simulated")


def stall(worker: Worker) -> None:
    """SIGSTOP."""
    worker.stall()


def meanwhile(happens: Callable[[], Any]) -> Callable[[Worker], None]:
    """Something else happens while the worker stands there."""
    return lambda _worker: happens()


def expected(failed: BaseException | None) -> bool:
    """Whether a worker may end so: well, killed, or with an error that says who must act."""
    return failed is None or isinstance(failed, Killed) or (isinstance(failed, GatewayError) and failed.code != "bug")


@contextmanager
def watched() -> Iterator[None]:
    """Within the block workers pass by their points; processes of other tests know nothing of them."""
    begin, reach = Store.begin, crash.reach

    def pass_by(point: str) -> None:
        if _here.worker is not None:
            _here.worker.pass_by(point)

    @contextmanager
    def begun(self: Store) -> Iterator[Transaction]:
        pass_by(BEGIN)
        with begin(self) as transaction:
            yield transaction
            pass_by(COMMIT)
        pass_by(COMMITTED)

    modules = [module for module in list(sys.modules.values()) if vars(module).get("reach") is reach]
    for module in modules:
        module.reach = pass_by  # type: ignore[attr-defined]
    Store.begin = begun  # type: ignore[method-assign]
    try:
        yield
    finally:
        Store.begin = begin  # type: ignore[method-assign]
        for module in modules:
            module.reach = reach  # type: ignore[attr-defined]
