"""The heartbeat (心跳): while a batch is being sent its lease is renewed, so that nobody takes its sender for dead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from gateway.errors import GatewayError
from gateway.store import Store, batches
from gateway.store.batches import BatchRow

SHARE = 3  # beats a lease


class Heart:
    """One thread a run, started with its first send. It only ever renews a lease that is still ours."""

    def __init__(self, store: Store, clock: Callable[[], datetime], lease: timedelta) -> None:
        self._store, self._clock, self._lease = store, clock, lease
        self._sending: BatchRow | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def beats_for(self, row: BatchRow) -> Iterator[None]:
        """Renew the lease of ``row`` as long as the block lasts."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._beat, name="gateway-heart", daemon=True)
            self._thread.start()
        self._sending = row
        try:
            yield
        finally:
            self._sending = None

    def stop(self) -> None:
        """No beat any more; the thread has ended when this returns."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        while not self._stopped.wait(self._lease.total_seconds() / SHARE):
            row = self._sending
            if row is not None:
                self._renew(row)

    def _renew(self, row: BatchRow) -> None:
        try:
            with self._store.begin() as transaction:
                batches.renew(transaction, row, self._clock() + self._lease)
        except GatewayError:
            return  # the next beat tries again; a lease that lapses costs one question to the platform
