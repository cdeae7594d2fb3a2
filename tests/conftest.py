"""Fixtures that every room shares: a migrated store on SQLite and on a private PostgreSQL."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from gateway.store import Store, migrate, open_store
from tests.postgresql import NoPostgresql, private_postgresql

TEMPLATE = "gateway_template"
skipped: dict[str, int] = {}
hypothesis.settings.register_profile(  # how long an example takes says nothing here, least of all on a busy machine
    "house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("house")


class PostgresqlServer:
    """One server for the session; a migrated template database makes every test's own one cheap."""

    def __init__(self, url: str) -> None:
        self.admin = make_url(url).set(drivername="postgresql+psycopg")
        self.engine = create_engine(self.admin, isolation_level="AUTOCOMMIT")
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        migrate(self.url(TEMPLATE))

    def url(self, database: str) -> str:
        return self.admin.set(database=database).render_as_string(hide_password=False)

    def execute(self, statement: str) -> None:
        with self.engine.connect() as connection:
            connection.execute(text(statement))

    def create(self, template: str = TEMPLATE) -> str:
        """The URL of a new database."""
        name = f"t_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def drop(self, url: str) -> None:
        """At once: the files of hundreds, left to the end, would be written out before they are taken away."""
        self.execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """The session's PostgreSQL; skips, loudly, where the machine has none."""
    with ExitStack() as stack:
        try:
            server = PostgresqlServer(stack.enter_context(private_postgresql()))
        except NoPostgresql as missing:
            pytest.skip(f"PostgreSQL part NOT run: {missing}")
        yield server
        server.engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "gateway.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty, migrated database; every test that takes it runs on both kinds."""
    if request.param == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        url = server.create()
        yield url
        server.drop(url)
        return
    file = tmp_path / "gateway.db"
    shutil.copyfile(request.getfixturevalue("sqlite_template"), file)
    yield f"sqlite:///{file}"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty, migrated store, on both kinds of database."""
    opened = open_store(store_url)
    yield opened
    opened.close()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple) and "PostgreSQL part NOT run" in report.longrepr[2]:
        reason = report.longrepr[2].removeprefix("Skipped: ")
        skipped[reason] = skipped.get(reason, 0) + 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reason, count in skipped.items():
        terminalreporter.write_sep("!", f"{reason} ({count} tests)", red=True, bold=True)
