"""One worker thread that takes all that waits at once (成组处理): many requests share one transaction.

While a group is being worked on, the next one gathers: under load groups grow by themselves, and nobody waits for a
timer when there is none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Generic, TypeVar

from gateway.errors import Transient

Item = TypeVar("Item")
Result = TypeVar("Result")
LARGEST = 200  # items of a group


class Gathering(Generic[Item, Result]):
    """``work(items)`` gives one result each; if it raises, all of the group fail with that."""

    def __init__(self, name: str, work: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        self._work = work
        self._queue: SimpleQueue[tuple[Item, Future[Result]] | None] = SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, item: Item) -> Future[Result]:
        """Its result, some time. ``Transient('inbox.stopping')`` once the service ends."""
        future: Future[Result] = Future()
        with self._lock:
            if self._closed:
                raise Transient("inbox.stopping", retry_after=5.0)
            self._queue.put((item, future))
        return future

    def close(self) -> None:
        """Work off what waits, then end."""
        with self._lock:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            group, ended = self._group()
            if group:
                self._settle(group)

    def _group(self) -> tuple[list[tuple[Item, Future[Result]]], bool]:
        """All that waits, without what nobody waits for any more; and whether the end was among it."""
        group: list[tuple[Item, Future[Result]]] = []
        waiting = self._queue.get()
        while waiting is not None:
            if waiting[1].set_running_or_notify_cancel():
                group.append(waiting)
            if len(group) >= LARGEST or self._queue.empty():  # nobody else takes from it
                return group, False
            waiting = self._queue.get()
        return group, True

    def _settle(self, group: list[tuple[Item, Future[Result]]]) -> None:
        try:
            results = self._work([item for item, _ in group])
        except Exception as failure:
            for _, future in group:
                future.set_exception(failure)
            return
        for (_, future), result in zip(group, results, strict=True):
            future.set_result(result)
