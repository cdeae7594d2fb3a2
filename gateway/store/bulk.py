"""Many rows at once, past SQLAlchemy: COPY on PostgreSQL, executemany on SQLite. The one place that isn't portable.

A driver's refusal quotes the row that it refused, personal data included; so its words end here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import psycopg
from psycopg.types.string import ByteaBinaryLoader, BytesBinaryDumper
from sqlalchemy import BigInteger, Connection, DateTime, Integer, LargeBinary, SmallInteger, String, Text

from gateway.errors import Bug, GatewayError
from gateway.store.database import translate
from gateway.store.tables import metadata

POSTGRESQL_TYPES: dict[type, str] = {
    BigInteger: "int8",
    Integer: "int4",
    SmallInteger: "int2",
    String: "varchar",
    Text: "text",
    DateTime: "timestamp",
    LargeBinary: "bytea",
}
Row = Sequence[Any]
Result = TypeVar("Result")


def insert(
    transaction: Connection, table: str, columns: Sequence[str], rows: Sequence[Row], as_bytes: str = ""
) -> None:
    """Insert ``rows`` (tuples in the order of ``columns``) in the caller's transaction.

    ``as_bytes``, a column of type Text, is given in UTF-8, as it rests. Times are naive UTC. Raises
    ``Bug('store.write_refused')`` when the database refuses one: callers hold the lock under which they made sure that
    it can't.
    """
    if not rows:
        return
    names = ", ".join(columns)

    def write(driver: Any) -> None:
        if isinstance(driver, sqlite3.Connection):
            marks = ", ".join("CAST(? AS TEXT)" if name == as_bytes else "?" for name in columns)
            driver.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", _sqlite_rows(rows))  # noqa: S608
            return
        statement = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
        with driver.cursor() as cursor:
            cursor.adapters.register_dumper(bytes, BytesBinaryDumper)  # else a slow one stands for bytea
            with cursor.copy(statement) as copy:
                copy.set_types(_binary_types(table, tuple(columns), as_bytes))
                for row in rows:
                    copy.write_row(row)

    guarded(transaction, table, write)


def select_in(
    transaction: Connection,
    table: str,
    columns: Sequence[str],
    fixed: Mapping[str, Any],
    column: str,
    values: Sequence[str] | Sequence[int],
) -> list[Any]:
    """``columns`` of the rows whose ``column`` is among ``values`` and that equal ``fixed``, in no order."""

    kind = "int8" if isinstance(metadata.tables[table].c[column].type, BigInteger) else "text"
    wanted, same = ", ".join(columns), "".join(f"{name} = {{0}} AND " for name in fixed)
    found = f"SELECT {wanted} FROM {table} WHERE {same}{column} "  # noqa: S608

    def read(driver: Any) -> list[Any]:
        if isinstance(driver, sqlite3.Connection):
            query = found.format("?") + "IN (SELECT value FROM json_each(?))"  # noqa: S608
            return driver.execute(query, (*fixed.values(), json.dumps(list(values)))).fetchall()
        # One look into the index for each value, whatever the planner believes: of a table that has just been filled
        # it has no statistics, and would rather read all of it (OFFSET 0 keeps it from turning the query round).
        each = found.format("%b") + "= wanted.value OFFSET 0"
        query = f"SELECT one.* FROM unnest(%b::{kind}[]) AS wanted(value) CROSS JOIN LATERAL ({each}) AS one"  # noqa: S608
        with driver.cursor(binary=True) as cursor:
            return list(cursor.execute(query, (list(values), *fixed.values())).fetchall())

    return guarded(transaction, table, read)


def select_after(
    transaction: Connection, table: str, columns: Sequence[str], column: str, after: int, limit: int, as_bytes: str
) -> list[Any]:
    """``columns`` of at most ``limit`` rows whose ``column`` is beyond ``after``, ascending.

    ``as_bytes``, a column of type Text, comes in UTF-8, as it rests: text would be decoded only to be encoded again.
    ``column`` counts with hardly a gap. So the next ``limit`` numbers are asked for first: a planner without statistics
    takes a span bounded on both sides from the index, and one that is open would rather read and sort the whole table.
    """
    names = ", ".join(columns)
    wanted = f"SELECT {names} FROM {table} WHERE {column} > {{0}}"  # noqa: S608
    order = f" ORDER BY {column} LIMIT {{0}}"

    def read(driver: Any) -> list[Any]:
        near, beyond = f"{wanted} AND {column} <= {{0}}{order}", wanted + order
        if isinstance(driver, sqlite3.Connection):
            cast = names.replace(as_bytes, f"CAST({as_bytes} AS BLOB)")
            near, beyond = near.replace(names, cast), beyond.replace(names, cast)
            found = driver.execute(near.format("?"), (after, after + limit, limit)).fetchall()
            if len(found) < limit:
                found += driver.execute(beyond.format("?"), (after + limit, limit - len(found))).fetchall()
            return found
        with driver.cursor(binary=True) as cursor:
            cursor.adapters.register_loader("text", ByteaBinaryLoader)
            found = list(cursor.execute(near.format("%b"), (after, after + limit, limit)).fetchall())
            if len(found) < limit:
                found += cursor.execute(beyond.format("%b"), (after + limit, limit - len(found))).fetchall()
            return found

    return guarded(transaction, table, read)


def guarded(transaction: Connection, table: str, work: Callable[[Any], Result]) -> Result:
    """``work`` with the driver's own connection."""
    failure: GatewayError
    try:
        return work(transaction.connection.driver_connection)
    except (sqlite3.OperationalError, psycopg.OperationalError) as failed:
        failure = translate(failed, transaction.engine.url)
    except (sqlite3.Error, psycopg.Error) as failed:
        failure = Bug("store.write_refused", table=table, refusal=type(failed).__name__)
    raise failure  # out here, so that the driver's words are not chained to it


@cache
def _binary_types(table: str, columns: tuple[str, ...], as_bytes: str) -> list[str]:
    """Binary COPY takes no cast: every column's own type, by PostgreSQL's name. In it text looks like its bytes."""
    types = metadata.tables[table].c
    return ["bytea" if name == as_bytes else POSTGRESQL_TYPES[type(types[name].type)] for name in columns]


def _sqlite_rows(rows: Sequence[Row]) -> Sequence[Row]:
    """Date-times as SQLAlchemy writes them into SQLite: text that sorts like time."""
    timed = [index for index in range(len(rows[0])) if any(isinstance(row[index], datetime) for row in rows)]
    if not timed:
        return rows
    written: list[Row] = []
    for row in rows:
        cells = list(row)
        for index in timed:
            if cells[index] is not None:
                cells[index] = cells[index].isoformat(" ", "microseconds")
        written.append(cells)
    return written
