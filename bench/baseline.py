"""The baseline: the very rows that the path stored, written once more without any of its work.

PostgreSQL: COPY of the finished text, all columns, into a table with the ledger's columns, whose primary key is the
record's (kind, key, version), and which has no other index. SQLite: executemany of finished tuples into such a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import text

from bench.meter import Cost, Meter
from gateway.stages.context import Context

PIECE, TIMES = 1 << 20, 5
TWIN, KEY = "bench_ledger", "kind, record_key, version"  # what makes a row the same row


def copy_rows(context: Context, meter: Meter, after: int) -> Cost:
    """COPY the ledger beyond position ``after`` into its twin, in one durable transaction."""
    with context.store.begin() as transaction:
        driver: Any = transaction.connection.driver_connection
        driver.execute(f"CREATE TABLE {TWIN} (LIKE ledger_record, PRIMARY KEY ({KEY}))")
        written = f"SELECT * FROM ledger_record WHERE position > {after} ORDER BY position"
        with driver.cursor() as cursor, cursor.copy(f"COPY ({written}) TO STDOUT") as copy:
            finished = b"".join(copy)

    def copy_once(driver: Any) -> None:
        with driver.cursor() as cursor, cursor.copy(f"COPY {TWIN} FROM STDIN") as copy:
            for piece in _pieces(finished):
                copy.write(piece)

    return _median(context, meter, copy_once)


def executemany_rows(context: Context, meter: Meter, after: int) -> Cost:
    """executemany of the ledger beyond position ``after`` into its twin, in one durable transaction."""
    with context.store.begin() as transaction:
        driver: Any = transaction.connection.driver_connection
        columns = [f"{name} {kind}" for _, name, kind, *_ in driver.execute("PRAGMA table_info(ledger_record)")]
        driver.execute(f"CREATE TABLE {TWIN} ({', '.join(columns)}, PRIMARY KEY ({KEY}))")
        rows = driver.execute(f"SELECT * FROM ledger_record WHERE position > {after}").fetchall()
    statement = f"INSERT INTO {TWIN} VALUES ({', '.join('?' * len(columns))})"
    return _median(context, meter, lambda driver: driver.executemany(statement, rows))


def _median(context: Context, meter: Meter, write: Callable[[Any], Any]) -> Cost:
    """The middle one of several writings of the whole ledger, each in one durable transaction."""
    empty = "TRUNCATE" if context.store.dialect == "postgresql" else "DELETE FROM"
    costs: list[Cost] = []
    for _ in range(TIMES):
        with context.store.begin() as transaction:
            transaction.execute(text(f"{empty} {TWIN}"))
        with meter.measure() as cost, context.store.begin() as transaction:
            write(transaction.connection.driver_connection)
        costs.append(cost)
    return sorted(costs, key=lambda cost: cost.client + cost.database)[TIMES // 2]


def _pieces(finished: bytes) -> Iterator[memoryview]:
    view = memoryview(finished)
    for start in range(0, len(finished), PIECE):
        yield view[start : start + PIECE]
