"""Tables of another party: an SQLite file for the contract, servers for what only they do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, text

from gateway.connector import Page
from gateway.settings import Connection
from schemas.source import SourceFile
from tests.contract.rigs import PAGE

TABLE = "evaluation"
MAKE = (
    f"CREATE TABLE {TABLE} (id VARCHAR(20) PRIMARY KEY, number INTEGER UNIQUE, updated_at {{moment}} NULL,"
    " words VARCHAR(200), taken VARCHAR(4) NULL)"
)
BY: dict[str, dict[str, Any]] = {
    "time": {"key": ["id"], "paging": {"by": "time", "column": "updated_at", "lookback_seconds": 5}},
    "id": {"key": ["number"], "paging": {"by": "id", "lookback_ids": 5}},
    "flag": {"key": ["number"], "paging": {"by": "flag", "column": "taken", "unset": [None, "0"], "done": "1"}},
}


def database_source(by: str, **options: Any) -> SourceFile:
    named = {"table": TABLE, "columns": ["id", "updated_at", "words"], "size": PAGE, **BY[by], **options}
    about = {"source": "front_database", "name": "前置库", "owner": "大数据局", "region": "511602000000"}
    return SourceFile.model_validate(
        {**about, "connector": "database", "connection": "front", "options": named, "mapping": {}}
    )


class DatabaseRig:
    """``url``: of a server, with its credentials; none: a file below ``root``."""

    faults: frozenset[str] = frozenset()
    connections = 0
    by = "time"

    def __init__(self, root: Path, url: URL | None = None, by: str | None = None, **options: Any) -> None:
        self.url = url or URL.create("sqlite+pysqlite", database=str(root / "front.db"))
        self.source = database_source(by or self.by, **options)
        self.engine = create_engine(self.url)
        self.execute(f"DROP TABLE IF EXISTS {TABLE}")
        moment = {"sqlite": "TEXT", "postgresql": "TIMESTAMP"}.get(self.engine.dialect.name, "DATETIME")
        self.execute(MAKE.format(moment=moment))

    def execute(self, statement: str, **values: Any) -> Any:
        with self.engine.begin() as connection:
            done = connection.execute(text(statement), values)
            return [tuple(row) for row in done] if done.returns_rows else done.rowcount

    def add(self, *records: dict[str, str]) -> None:
        for each in records:
            self.execute(f"DELETE FROM {TABLE} WHERE id = :id", id=each["id"])
            self.execute(
                f"INSERT INTO {TABLE} (id, number, updated_at, words) VALUES (:id, :number, :moment, :words)",
                id=each["id"],
                number=int(each["id"][1:]),
                moment=each["updatedAt"],
                words=each["text"],
            )

    def spoil(self, fault: str | None, after: int = 0) -> None:
        raise NotImplementedError

    def connection(self, password: str = "right") -> Connection:
        url = self.url
        kind = url.get_backend_name()
        told = {"conn_type": kind, "schema": url.database, "host": url.host or "", "port": url.port}
        secret = url.password if password == "right" else password
        return Connection.model_validate({**told, "login": url.username or "", "password": secret or ""})

    def ids(self, page: Page) -> list[str]:
        return [each["id"] for each in json.loads(page.body)]

    def taken(self) -> list[Any]:
        return [value for (value,) in self.execute(f"SELECT taken FROM {TABLE} ORDER BY number")]

    def close(self) -> None:
        self.engine.dispose()


class ByIdRig(DatabaseRig):
    by = "id"


class ByFlagRig(DatabaseRig):
    by = "flag"
