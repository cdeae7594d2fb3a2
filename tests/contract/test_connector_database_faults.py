"""A front-end database that is ill: away, full, cut, slow, or something else altogether; and rows that mean harm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import URL, make_url

import connectors
from gateway.errors import Transient
from gateway.settings import Connection
from tests.conftest import PostgresqlServer
from tests.contract import test_connector_database
from tests.contract.database_rig import TABLE, DatabaseRig, database_source
from tests.contract.proof import proves
from tests.contract.rigs import LOOPBACK, Landing
from tests.contract.tcp import Fault, Proxy
from tests.contract.test_connectors import NAMES, TEN

mariadb = test_connector_database.mariadb
SERVERS = [
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.foreign),
]
GRACE = "connectors.database.engine.GRACE"


class Behind(DatabaseRig):
    """A table whose server is reached through a proxy."""

    def __init__(self, root: Path, url: URL) -> None:
        assert url.port is not None
        self.proxy = Proxy(url.port)
        super().__init__(root, url, seconds=1.0)

    def connection(self, password: str = "right") -> Connection:
        return super().connection(password).model_copy(update={"port": self.proxy.port})

    def close(self) -> None:
        self.proxy.close()
        super().close()


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> URL:
    if request.param == "mariadb":
        url: URL = request.getfixturevalue("mariadb")
        return url
    return make_url(request.getfixturevalue("postgresql_server").create("template0"))


@pytest.fixture
def rig(server: URL, tmp_path: Path) -> Iterator[Behind]:
    made = Behind(tmp_path, server)
    made.add(*TEN)
    yield made
    made.close()


@proves("database", "cut", "garbage", "slow", "heals")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("cut", "database.unreachable"),
        ("garbage", "database.unreachable"),
        ("stall", "database.slow"),
        ("drip", "database.slow"),
    ],
)
def test_a_server_that_fails_in_the_middle_is_left_and_the_next_pull_completes(
    rig: Behind, fault: Fault, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = Landing(rig)
    landing.pull(stop_after=1)
    rig.proxy.spoil(fault, after=2500)
    with monkeypatch.context() as impatient:  # a healthy server has the usual time, however busy the machine is
        impatient.setattr(GRACE, 0.2)
        with pytest.raises(Transient) as failure:
            landing.pull()
    assert failure.value.code == code
    rig.proxy.spoil(None)
    landing.pull()
    assert landing.ids == NAMES


@proves("database", "throttled")
@pytest.mark.postgresql
def test_a_server_that_is_full_is_asked_later(postgresql_server: PostgresqlServer, tmp_path: Path) -> None:
    rig = DatabaseRig(tmp_path, make_url(postgresql_server.create("template0")))
    rig.execute("CREATE ROLE crowd LOGIN PASSWORD 'right' CONNECTION LIMIT 0")
    crowd = rig.connection().model_copy(update={"login": "crowd", "password": SecretStr("right")})
    source = connectors.build(rig.source, crowd, LOOPBACK)
    with pytest.raises(Transient, match=r"database\.busy"):
        list(source.pages(None, lambda _: False))
    source.close()
    rig.execute("DROP ROLE crowd")
    rig.close()


@proves("database", "huge")
def test_rows_that_are_too_large_together_come_in_pages(rig: Behind) -> None:
    rig.execute(f"ALTER TABLE {TABLE} ADD COLUMN long_words TEXT")
    rig.execute(f"UPDATE {TABLE} SET long_words = REPEAT('x', 60000)")
    rig.source = database_source("time", size=100, max_page_bytes=65_536, columns=["id", "long_words"])
    source = connectors.build(rig.source, rig.connection(), LOOPBACK)
    assert [page.declared for page in source.pages(None, lambda _: False)] == [2] * 5
    source.close()


@proves("database", "deep")
def test_json_in_a_cell_is_a_text_however_deep(rig: Behind) -> None:
    deep = "[" * 30_000
    rig.execute(f"ALTER TABLE {TABLE} ADD COLUMN deep_words TEXT")
    rig.execute(f"UPDATE {TABLE} SET deep_words = :deep", deep=deep)
    rig.source = database_source("time", size=1, columns=["id", "deep_words"])
    page = connectors.first_page(rig.source, rig.connection(), LOOPBACK)
    assert page is not None
    assert json.loads(page.body) == [{"id": "r000", "deep_words": deep}]
