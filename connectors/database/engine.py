"""Opening another party's database: a clear word where the driver is missing, and transactions that can't write."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc

from gateway.errors import Misconfigured
from gateway.net.deadline import deadline
from gateway.net.turn import take_turn

PACKAGES = {  # what `pip install` brings each dialect; PostgreSQL, MySQL, MariaDB and SQLite are there
    "dm": "dmSQLAlchemy dmPython",
    "kingbase": "ksycopg2",
    "opengauss": "opengauss-sqlalchemy",
    "oceanbase": "oceanbase-sqlalchemy",
    "gbase8s": "gbase8s-sqlalchemy",
    "oracle": "oracledb",
    "mssql": "pyodbc",
}
GRACE = 5.0  # seconds behind the server's own limit
PROGRESS = 10_000  # steps of SQLite's machine between two looks at the clock


def open_engine(url: URL, seconds: float, connect_seconds: int, *, writes: bool) -> Engine:
    """Connected to nothing yet. ``seconds``: for one statement. Raises ``Misconfigured('database.driver_missing')``."""
    kind = url.get_backend_name()
    options: dict[str, Any] = {"hide_parameters": True}
    if kind == "sqlite":
        mode = "rw" if writes else "ro"  # never made where there is none
        options["creator"] = lambda: _open_file(str(url.database), mode, seconds, connect_seconds)
    else:
        options |= {"pool_pre_ping": True, "connect_args": _arguments(url, seconds, connect_seconds)}
    try:
        engine = create_engine(url, **options)
    except (ModuleNotFoundError, exc.NoSuchModuleError) as missing:
        package = PACKAGES.get(kind, url.drivername)
        raise Misconfigured("database.driver_missing", kind=url.drivername, package=package) from missing
    if kind in {"mysql", "mariadb"}:
        event.listen(engine, "connect", lambda plug, _record: _limit_mysql(plug, seconds))
    return engine


@contextmanager
def reading(engine: Engine, seconds: float) -> Iterator[Connection]:
    """A read-only transaction where the database has such, and always one that is rolled back."""
    take_turn()
    with engine.connect() as connection:
        kind = connection.dialect.name
        if kind == "postgresql":
            connection.execution_options(postgresql_readonly=True)
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
        elif kind in {"mysql", "mariadb"}:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        elif kind == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
        with _watched(connection, seconds):
            yield connection
        connection.rollback()


@contextmanager
def writing(engine: Engine, seconds: float) -> Iterator[Connection]:
    """One transaction, committed when the block ends."""
    take_turn()
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
        elif connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = OFF")
        with _watched(connection, seconds):
            yield connection


@contextmanager
def _watched(connection: Connection, seconds: float) -> Iterator[None]:
    """Hangs up where the server keeps neither to its own limit nor to any other, and says nothing or too little.

    Raises ``TimeoutError``.
    """
    with deadline(seconds + GRACE, lambda: _hang_up(connection)) as late:
        try:
            yield
        except exc.DBAPIError as cut:
            if late.is_set():
                raise TimeoutError from cut
            raise


def _hang_up(connection: Connection) -> None:
    plug: Any = connection.connection.driver_connection
    held = getattr(plug, "_sock", plug)  # PyMySQL's socket, or a driver that tells its descriptor
    with contextlib.suppress(OSError, AttributeError, ValueError), socket.socket(fileno=os.dup(held.fileno())) as own:
        own.shutdown(socket.SHUT_RDWR)


def _arguments(url: URL, seconds: float, connect_seconds: int) -> dict[str, Any]:
    if url.get_driver_name() == "psycopg":
        told = {"connect_timeout": connect_seconds, "application_name": "haochaping-gateway"}
        return {**told, "tcp_user_timeout": int((seconds + GRACE) * 1000)}
    if url.get_driver_name() == "pymysql":
        whole = int(seconds + GRACE)
        return {"connect_timeout": connect_seconds, "read_timeout": whole, "write_timeout": whole}
    return {}


def _limit_mysql(plug: Any, seconds: float) -> None:
    """The two dialects name and count it differently; a server that knows neither keeps to the socket's limit."""
    with plug.cursor() as cursor:
        for statement in (
            f"SET SESSION max_statement_time = {seconds:f}",
            f"SET SESSION max_execution_time = {int(seconds * 1000)}",
        ):
            try:
                cursor.execute(statement)
            except plug.Error:
                continue
            return


def _open_file(path: str, mode: str, seconds: float, busy: int) -> sqlite3.Connection:
    plug = sqlite3.connect(f"file:{quote(path)}?mode={mode}", uri=True, timeout=busy, check_same_thread=False)
    plug.text_factory = _text
    begun = time.monotonic()

    def late() -> bool:
        return time.monotonic() - begun > seconds

    def trace(_statement: str) -> None:
        nonlocal begun
        begun = time.monotonic()

    plug.set_trace_callback(trace)
    plug.set_progress_handler(late, PROGRESS)
    return plug


def _text(raw: bytes) -> str:
    """SQLite holds whatever was written: one row in another charset must not make its neighbours unreadable."""
    for charset in ("utf-8", "gb18030"):
        try:
            return raw.decode(charset)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "backslashreplace")
