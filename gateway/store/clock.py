"""The database's clock (数据库时钟): leases, waits and deadlines of all workers follow one clock.

Asked for seldom; in between the time since then is added, by a clock of this process that never jumps.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import text

from gateway.errors import Transient
from gateway.store.database import Store

ASK_EVERY: Final = 30.0  # seconds


class DatabaseClock:
    """Now, aware, as the database has it. On SQLite, which lives on this machine, that is the machine's clock.

    While the database is away it goes on from what it was told last; ``Transient('store.unreachable')`` only when it
    was never told.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: tuple[float, datetime] | None = None

    def __call__(self) -> datetime:
        if self._store.dialect == "sqlite":
            return datetime.now(UTC)
        told, here = self._told, time.monotonic()
        if told is None or here - told[0] > ASK_EVERY:
            told = self._ask(told)
        return told[1] + timedelta(seconds=time.monotonic() - told[0])

    def _ask(self, told: tuple[float, datetime] | None) -> tuple[float, datetime]:
        asked = time.monotonic()
        try:
            with self._store.read() as connection:
                now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        except Transient:
            if told is None:
                raise
            return told
        answered = time.monotonic()
        self._told = (asked + (answered - asked) / 2, now.astimezone(UTC))
        return self._told
