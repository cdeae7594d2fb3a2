"""Reading ahead (预取): fetch the next pages while the current one is being landed, a bounded number of them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

T = TypeVar("T")
POLL = 0.1  # seconds between two looks whether the consumer has gone


def read_ahead(items: Iterator[T], depth: int) -> Generator[T, None, None]:
    """The same items in the same order, up to ``depth`` of them fetched early by one thread.

    An error of the source is raised in its place, after all items before it. Close the generator to end its thread.
    """
    if depth < 1:
        yield from items
        return
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(maxsize=depth)
    gone = threading.Event()

    def put(item: T | None, error: BaseException | None) -> bool:
        while not gone.is_set():
            try:
                ready.put((item, error), timeout=POLL)
            except queue.Full:
                continue
            return True
        return False

    def fetch() -> None:
        try:
            for item in items:
                if not put(item, None):
                    return
            put(None, StopIteration())
        except BaseException as error:  # handed over to the consumer, whatever it is
            put(None, error)

    worker = threading.Thread(target=fetch, name="read-ahead", daemon=True)
    worker.start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        gone.set()
        worker.join()
