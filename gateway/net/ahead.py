"""Reading ahead (预取): fetch the next pages while earlier ones are being landed, a bounded number of them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextvars import copy_context
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Iterator[T], Generic[T]):
    """The same items in the same order, up to ``depth`` of them fetched early by one thread.

    An error of the source is raised in its place, after all items before it. ``close`` ends the thread.
    """

    def __init__(self, items: Iterator[T], depth: int) -> None:
        self._items, self._depth = items, depth
        self._ready: deque[T] = deque()
        self._ending: BaseException | None = None
        self._gone = False
        self._changed = threading.Condition()
        self._worker: threading.Thread | None = None

    def __next__(self) -> T:
        if self._depth < 1:
            return next(self._items)
        self._start()
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._ending is not None)
            if not self._ready:
                assert self._ending is not None  # noqa: S101 - waited for
                raise self._ending
            self._changed.notify_all()
            return self._ready.popleft()

    def gathered(self, first: T, seconds: float) -> Iterator[T]:
        """``first``, and what comes after it within ``seconds``; it never waits for the source's next thought longer,
        and leaves an error for its place. Reading one by one gives ``first`` alone."""
        yield first
        end = time.monotonic() + seconds
        while self._worker is not None:
            with self._changed:
                self._changed.wait_for(lambda: self._ready or self._ending is not None, end - time.monotonic())
                if not self._ready:
                    return
                self._changed.notify_all()
                item = self._ready.popleft()
            yield item

    def close(self) -> None:
        with self._changed:
            self._gone = True
            self._ending = self._ending or StopIteration()
            self._changed.notify_all()
        if self._worker is not None:
            self._worker.join()

    def _start(self) -> None:
        if self._worker is None and not self._gone:
            self._worker = threading.Thread(
                target=copy_context().run, args=(self._fetch,), name="read-ahead", daemon=True
            )
            self._worker.start()

    def _fetch(self) -> None:
        ending: BaseException = StopIteration()
        try:
            for item in self._items:
                with self._changed:
                    self._changed.wait_for(lambda: len(self._ready) < self._depth or self._gone)
                    if self._gone:
                        break
                    self._ready.append(item)
                    self._changed.notify_all()
        except BaseException as error:  # handed over to the consumer, whatever it is
            ending = error
        with self._changed:
            self._ending = self._ending or ending
            self._changed.notify_all()
