"""A first look at a table of another party: its columns, what they are called, some values; read-only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, MetaData, Table, inspect, select

from connectors.database.address import address
from connectors.database.engine import open_engine, reading
from connectors.database.failures import translated
from gateway.settings import Connection

ROWS = 40
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A table or view. ``comments``: by column; ``rows``: a few, as the driver gives them."""

    columns: list[str]
    comments: dict[str, str]
    key: list[str]
    times: list[str]
    rows: list[dict[str, Any]]


def greet(connection: Connection, allowed_hosts: str) -> str:
    """Log in and out again; the address. Raises as :func:`survey_table` does."""
    with _opened(connection, allowed_hosts) as (engine, shown), translated(shown, "connect"), reading(engine, SECONDS):
        return shown


def survey_table(connection: Connection, allowed_hosts: str, table: str, schema: str | None) -> Surveyed:
    """Columns and some rows of ``table``. Raises ``Misconfigured`` and ``Transient`` (``database.…``, ``net.…``)."""
    with (
        _opened(connection, allowed_hosts) as (engine, shown),
        translated(shown, "read"),
        reading(engine, SECONDS) as connected,
    ):
        described = Table(table, MetaData(), schema=schema, autoload_with=connected)
        rows = connected.execute(select(described).limit(ROWS)).mappings().all()
        key = inspect(connected).get_pk_constraint(table, schema).get("constrained_columns") or []
    columns = [column.name for column in described.columns]
    return Surveyed(
        columns,
        {column.name: column.comment for column in described.columns if column.comment},
        [str(name) for name in key],
        [column.name for column in described.columns if "TIME" in str(column.type).upper()],
        [{name: str(value) if value is not None else None for name, value in row.items()} for row in rows],
    )


@contextmanager
def _opened(connection: Connection, allowed_hosts: str) -> Iterator[tuple[Engine, str]]:
    url = address(connection, allowed_hosts)
    engine = open_engine(url, SECONDS, 10, writes=False)
    try:
        yield engine, f"{url.get_backend_name()}://{url.host or ''}"
    finally:
        engine.dispose()
