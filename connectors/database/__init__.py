"""Sources that are tables (前置库): pages of rows by keyset, in read-only transactions; sync flags written back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Engine

from connectors import options_of
from connectors.database.address import address
from connectors.database.engine import open_engine
from connectors.database.options import ByFlag, Options
from connectors.database.table import Row, Table
from connectors.database.walk import Step, Walk
from gateway.connector import Connector, Finding, Page
from gateway.errors import GatewayError, Rejected
from gateway.net.ahead import Ahead
from gateway.settings import Connection
from schemas.source import SourceFile

__all__ = ["Options", "build"]

MEDIA_TYPE = "application/json"


def now() -> datetime:
    return datetime.now(UTC)


class DatabaseConnector:
    """See :class:`gateway.connector.Connector`. A page is a JSON list of rows; its origin tells its content.

    By flag: a page is landed, committed, and only then its rows are flagged, each if it still is what was read. A kill
    in between leaves rows that the cursor knows: the next pull flags them without landing them again.
    """

    def __init__(self, options: Options, engine: Engine, shown: str) -> None:
        self._options, self._engine = options, engine
        self._table = Table(engine, options, shown)
        self._walk = Walk(self._table, options, now)
        self._unflagged: dict[str, list[Row]] = {}  # by the page's origin
        self._reading: Ahead[Page] | None = None
        self._shown = shown

    def check(self) -> list[Finding]:
        findings: list[Finding] = []
        step = "connect"
        try:
            self._table.check()
            findings.append(Finding(True, step, self._shown))
            step = "list"
            found = self._table.rows()
            findings.append(Finding(True, step, f"{self._options.table}: {len(found)}"))
            step = "order"
            if self._table.without_place():
                findings.append(Finding(False, step, f"{', '.join(self._table.order)}: NULL"))
            step = "flag"
            if isinstance(self._options.paging, ByFlag):
                self._table.may_flag()
                findings.append(Finding(True, step, self._options.paging.column))
        except GatewayError as failure:
            findings.append(Finding(False, step, str(failure)))
        return findings

    def pages(self, cursor: str | None, known: Callable[[str], bool]) -> Iterator[Page]:
        ahead = 0 if isinstance(self._options.paging, ByFlag) else self._options.ahead
        self._reading = Ahead((self._page(step) for step in self._walk.steps(cursor)), ahead)
        return self._reading

    def within(self, since: datetime, until: datetime, cursor: str | None, running: str | None) -> Iterator[Page]:
        """By time; neither a key nor a flag names one, but the options may. No flag is set."""
        if self._reading is not None:
            self._reading.close()
        timed = self._options.timed()
        if timed is None:
            raise Rejected("pull.window_unsupported")
        walk = Walk(Table(self._engine, timed, self._shown), timed, now)
        steps = walk.within(since, until, cursor, running if timed is self._options else None)
        self._reading = Ahead((self._page(step, flags=False) for step in steps), self._options.ahead)
        return self._reading

    def landed(self, page: Page) -> None:
        """Flag the page's rows, once."""
        rows = self._unflagged.pop(page.origin, None)
        if rows:
            self._table.flag(rows)

    def unfinished(self) -> list[str]:
        """Rows that no order holds, and rows dated in the future: told, and read once they are put right."""
        found = []
        if self._walk.dated_ahead:
            found.append(f"{self._options.table}: {self._table.order[0]} > now")
        if self._table.without_place():
            found.append(f"{self._options.table}: {', '.join(self._table.order)} = NULL")
        return found

    def close(self) -> None:
        if self._reading is not None:
            self._reading.close()
        self._engine.dispose()

    def _page(self, step: Step, *, flags: bool = True) -> Page:
        body = b"[" + b",\n".join(row.record for row in step.rows) + b"]"
        digest = hashlib.sha256("".join(row.mark for row in step.rows).encode()).hexdigest()
        origin = f"{self._options.table}@{digest[:24]}"
        if isinstance(self._options.paging, ByFlag) and flags:
            self._unflagged[origin] = step.rows
        return Page(body, MEDIA_TYPE, origin, msgspec.json.encode(step.place).decode(), len(step.rows))


def build(source: SourceFile, connection: Connection, allowed_hosts: str) -> Connector:
    options = options_of(source, Options)
    url = address(connection, allowed_hosts)
    shown = f"{url.get_backend_name()}://{url.host or ''}"
    writes = isinstance(options.paging, ByFlag)
    return DatabaseConnector(options, open_engine(url, options.seconds, options.connect_seconds, writes=writes), shown)
