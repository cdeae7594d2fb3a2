"""All workers go by the database's clock, also where their own are wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from gateway.errors import Transient
from gateway.store import Store
from gateway.store import clock as clock_module
from gateway.store.clock import DatabaseClock
from gateway.store.database import connect

SLACK = timedelta(seconds=30)  # only that it is today's time at all, not how exact


def test_the_clock_follows_the_database(store: Store) -> None:
    if store.dialect == "sqlite":
        assert abs(DatabaseClock(store)() - datetime.now(UTC)) < SLACK
        return
    clock = DatabaseClock(store)
    told = [clock() for _ in range(50)]
    assert told == sorted(told)
    with store.read() as transaction:
        now = transaction.execute(text("SELECT clock_timestamp()")).scalar_one()
    assert abs(told[-1] - now) < SLACK


class _Away:
    """A database that answers once, and then is away."""

    dialect = "postgresql"

    def __init__(self, store: Store) -> None:
        self._store, self._asked = store, 0

    def read(self) -> object:
        self._asked += 1
        return self._store.read() if self._asked == 1 else connect("postgresql://gateway@127.0.0.1:1/none").read()


@pytest.mark.postgresql
def test_a_database_that_is_away_stops_no_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    if store.dialect == "sqlite":
        return
    monkeypatch.setattr(clock_module, "ASK_EVERY", 0.0)
    clock = DatabaseClock(_Away(store))  # type: ignore[arg-type]
    assert clock() <= clock()
    with pytest.raises(Transient, match=r"store\.unreachable"):
        DatabaseClock(connect("postgresql://gateway@127.0.0.1:1/none"))()
