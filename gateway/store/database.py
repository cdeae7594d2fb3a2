"""Opening the database and holding a transaction on it.

SQLite serves one machine: WAL, so that readers never wait, and ``BEGIN IMMEDIATE`` with a long busy timeout, so that
several processes write one after the other instead of failing with "database is locked". PostgreSQL serves a
province. Both are spoken to through the same portable subset; what is not portable (COPY) stands in
:mod:`gateway.store.bulk` alone.
"""

from __future__ import annotations

import math
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from gateway.errors import GatewayError, Misconfigured, Transient

Transaction = Connection  # what the rooms above call it: they never import SQLAlchemy
Dialect = Literal["sqlite", "postgresql"]
BUSY_SECONDS = 30.0
CONNECT_SECONDS = 10
RESTING_SINCE, RESTED_SECONDS = "gateway_resting_since", 1.0
WRITE = {"gateway_write": True}
BUSY_STATES = ("40", "55P03", "57014")  # deadlock, serialisation, lock not available, cancelled
FULL, FULL_STATE = "disk is full", "53100"
NO_ROOM, LEAST_ROOM = ("disk i/o error", "unable to open"), 1 << 20  # bytes
LOST_FILE = ("unable to open", "readonly", "not a database", "malformed")
LOST_TRUST = ("password", "authentication", "does not exist", "role", "pg_hba")  # libpq gives no SQLSTATE at login


def utc_naive(moment: datetime) -> datetime:
    """An aware date-time as columns hold it: UTC, without zone."""
    if moment.tzinfo is None:
        raise ValueError("a naive date-time has no place on the time line")
    return moment.astimezone(UTC).replace(tzinfo=None)


def utc_aware(moment: datetime) -> datetime:
    """A column's date-time as code holds it: aware, UTC."""
    return moment.replace(tzinfo=UTC)


def now_utc_naive() -> datetime:
    """This instant as columns hold it. Stages take their clock from the context instead."""
    return datetime.now(UTC).replace(tzinfo=None)


class Store:
    """One database. Safe to share between threads; a process makes its own after a fork."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dialect: Dialect = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
        self.address = masked(engine.url)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction: committed when the block ends, rolled back when it raises.

        Raises ``Transient``: ``store.unreachable``, ``store.busy``; a block may be run again as a whole.
        """
        with self._translated(), self.engine.connect() as connection:
            connection.execution_options(**WRITE)
            with connection.begin():
                yield connection

    @contextmanager
    def rehearse(self) -> Iterator[Connection]:
        """A write transaction that leaves nothing behind: for dry runs that do exactly what the real run does."""
        with self._translated(), self.engine.connect() as connection:
            connection.execution_options(**WRITE)
            transaction = connection.begin()
            try:
                yield connection
            finally:
                transaction.rollback()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only transaction that sees one state of the database from its first query to its last."""
        with self._translated(), self.engine.connect() as connection:
            if self.dialect == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except exc.OperationalError as failed:
            raise translate(failed.orig or failed, self.engine.url) from failed
        except exc.DatabaseError as failed:
            if type(failed) is not exc.DatabaseError:
                raise
            raise translate(failed.orig or failed, self.engine.url) from failed


def connect(url: str) -> Store:
    """The store at ``url`` without a look at its schema. Nothing is connected yet.

    Raises ``Misconfigured``: ``store.url_invalid``.
    """
    parsed = parse_url(url)
    options: dict[str, Any] = {"hide_parameters": True}
    if parsed.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    else:
        options["connect_args"] = {
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "haochaping-gateway",
            "options": "-c timezone=UTC -c client_min_messages=warning",
        }
    engine = create_engine(parsed, **options)
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "checkin", _note_rest)
        event.listen(engine, "checkout", _ping_rested)
    return Store(engine)


def parse_url(url: str) -> URL:
    """``sqlite:///path`` or ``postgresql://…`` (any driver spelling), with the driver that this house uses."""
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError) as invalid:
        raise Misconfigured("store.url_invalid", setting="GW_DATABASE_URL") from invalid
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed.set(drivername="sqlite+pysqlite")
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise Misconfigured("store.url_invalid", setting="GW_DATABASE_URL")


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite URL; none for a server."""
    parsed = parse_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def masked(url: URL) -> str:
    """The address without its password and without query parameters, which may carry one."""
    return url.set(query={}).render_as_string(hide_password=True)


def translate(failed: BaseException, url: URL) -> GatewayError:
    """What a driver's operational failure means to whoever must act; its own words may hold values, so they stay."""
    said, address = str(failed).lower(), masked(url)
    if FULL in said or getattr(failed, "sqlstate", None) == FULL_STATE:
        return Transient("store.full", address=address)
    if isinstance(failed, sqlite3.Error):
        if any(word in said for word in NO_ROOM) and _is_full(Path(url.database or "")):
            return Transient("store.full", address=address)
        if "locked" in said or "busy" in said:
            return Transient("store.busy", address=address)
        if any(word in said for word in LOST_FILE):
            return Misconfigured("store.unusable", address=address)
    elif str(getattr(failed, "sqlstate", None) or "").startswith(BUSY_STATES):
        return Transient("store.busy", address=address)
    elif any(word in said for word in LOST_TRUST):
        return Misconfigured("store.unusable", address=address)
    return Transient("store.unreachable", address=address)


def _is_full(file: Path) -> bool:
    """Whether SQLite, which can't make the files that it needs beside the database, fails for want of room."""
    try:
        return shutil.disk_usage(file.parent).free < LEAST_ROOM
    except OSError:
        return False


def _note_rest(_connection: object, record: Any) -> None:
    record.info[RESTING_SINCE] = time.monotonic()


def _ping_rested(connection: Any, record: Any, _proxy: object) -> None:
    """A connection that rested may have been cut off meanwhile: ask, so that the pool can give another one."""
    if time.monotonic() - record.info.get(RESTING_SINCE, math.inf) > RESTED_SECONDS:
        try:
            connection.execute("SELECT 1")
            connection.commit()  # after a rollback the driver would forget all that it has prepared
        except psycopg.Error as lost:
            raise exc.DisconnectionError from lost


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would be deferred and fail when it turns to writing
    deadline = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:  # the switch needs the file alone, and SQLite doesn't wait for that
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous = FULL")  # a commit survives a power cut
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -16384")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("gateway_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
