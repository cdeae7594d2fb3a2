"""The baseline: the very rows that the path stored, written once more without any of its work.

PostgreSQL: COPY of the finished text, all columns, into a table with the ledger's columns, whose primary key is the
record's (kind, key, version), and which has no other index. SQLite: executemany of finished tuples into such a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.meter import Cost, Meter
from gateway.stages.context import Context

PIECE = 1 << 20
TWIN, KEY = "bench_ledger", "kind, record_key, version"  # what makes a row the same row


def copy_rows(context: Context, meter: Meter) -> Cost:
    """COPY the ledger into its twin, in one durable transaction."""
    with context.store.begin() as transaction:
        driver: Any = transaction.connection.driver_connection
        driver.execute(f"CREATE TABLE {TWIN} (LIKE ledger_record, PRIMARY KEY ({KEY}))")
        with driver.cursor() as cursor, cursor.copy("COPY ledger_record TO STDOUT") as copy:
            text = b"".join(copy)
    with meter.measure() as cost, context.store.begin() as transaction:
        driver = transaction.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY {TWIN} FROM STDIN") as copy:
            for piece in _pieces(text):
                copy.write(piece)
    return cost


def executemany_rows(context: Context, meter: Meter) -> Cost:
    """executemany of the ledger into its twin, in one durable transaction."""
    with context.store.begin() as transaction:
        driver: Any = transaction.connection.driver_connection
        columns = [f"{name} {kind}" for _, name, kind, *_ in driver.execute("PRAGMA table_info(ledger_record)")]
        driver.execute(f"CREATE TABLE {TWIN} ({', '.join(columns)}, PRIMARY KEY ({KEY}))")
        rows = driver.execute("SELECT * FROM ledger_record").fetchall()
    with meter.measure() as cost, context.store.begin() as transaction:
        driver = transaction.connection.driver_connection
        driver.executemany(f"INSERT INTO {TWIN} VALUES ({', '.join('?' * len(columns))})", rows)
    return cost


def _pieces(text: bytes) -> Iterator[memoryview]:
    view = memoryview(text)
    for start in range(0, len(text), PIECE):
        yield view[start : start + PIECE]
