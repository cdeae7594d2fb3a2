"""What only tables do: late commits, flags, keys, moments ahead; on SQLite, PostgreSQL and, where it is, MariaDB."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, make_url

import connectors
from connectors.database.address import address
from connectors.database.engine import open_engine, reading
from connectors.database.failures import translated
from gateway.connector import Page
from gateway.errors import GatewayError, Misconfigured, Transient
from gateway.settings import Connection
from tests.contract.database_rig import TABLE, DatabaseRig, database_source
from tests.contract.proof import proves
from tests.contract.rigs import LOOPBACK, PAGE, Landing, connector, record
from tests.mariadb import NoMariadb, private_mariadb

Make = Callable[..., DatabaseRig]


@pytest.fixture(scope="module")
def mariadb() -> Iterator[URL]:
    with ExitStack() as stack:
        try:
            url = stack.enter_context(private_mariadb())
        except NoMariadb as missing:
            pytest.skip(f"MariaDB part NOT run: {missing}")
        yield url


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.foreign),
    ]
)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """``make(by, **options)``: a rig with its empty table, on each kind of database."""
    url: URL | None = None
    if request.param == "postgresql":
        url = make_url(request.getfixturevalue("postgresql_server").create("template0"))
    elif request.param == "mariadb":
        url = request.getfixturevalue("mariadb")
    with ExitStack() as stack:

        def made(by: str = "time", **options: Any) -> DatabaseRig:
            rig = DatabaseRig(tmp_path, url, by, **options)
            stack.callback(rig.close)
            return rig

        yield made


def pages_of(rig: DatabaseRig) -> list[Page]:
    source = connector(rig)
    try:
        return list(source.pages(None, lambda _: False))
    finally:
        source.close()


def failure_of(rig: DatabaseRig, **how: Any) -> GatewayError:
    source = connector(rig, **how)
    with pytest.raises(GatewayError) as caught:
        list(source.pages(None, lambda _: False))
    source.close()
    assert "right" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("by", ["time", "id", "flag"])
def test_it_resumes_anywhere_and_brings_each_row_once(make: Make, by: str) -> None:
    rig = make(by)
    rig.add(*(record(number, second=number // 4) for number in range(20)))
    landing = Landing(rig)
    for step in range(20):
        landing.pull(stop_after=1, tell=step % 2 == 0)
        if len(landing.ids) == 20:
            break
    assert landing.ids == [record(number)["id"] for number in range(20)]
    assert landing.pull() == 0


@proves("database", "late")
@pytest.mark.parametrize("by", ["time", "id"])
def test_a_transaction_that_commits_late_is_found_and_nothing_comes_twice(make: Make, by: str) -> None:
    rig = make(by)
    rig.add(*(record(number) for number in range(10) if number not in (7, 8)))
    landing = Landing(rig)
    landing.pull()
    rig.add(record(7), record(8))
    assert landing.pull(stop_after=1, tell=False) == 1
    rig.add(record(11))
    landing.pull()
    assert sorted(landing.ids) == [record(number)["id"] for number in range(12) if number != 10]
    assert landing.pull() == 0


def test_a_row_that_changes_comes_again(make: Make) -> None:
    rig = make("time")
    rig.add(*(record(number) for number in range(5)))
    landing = Landing(rig)
    landing.pull()
    rig.add({**record(2), "text": "改了", "updatedAt": "2026-11-20 08:00:03"})  # within the lookback
    landing.pull()
    assert landing.ids[5:] == ["r002"]


def test_a_row_dated_ahead_waits_and_holds_nobody_up(make: Make) -> None:
    rig = make("time")
    ahead = f"{datetime.now(UTC) + timedelta(days=400):%Y-%m-%d %H:%M:%S}"
    rig.add(*(record(number) for number in range(5)), {**record(9), "updatedAt": ahead})
    landing = Landing(rig)
    landing.pull()
    rig.add(record(6))
    landing.pull()
    assert landing.ids == ["r000", "r001", "r002", "r003", "r004", "r006"]
    source = connector(rig)
    assert list(source.pages(landing.cursor, lambda _: False)) == []
    assert source.unfinished() == [f"{TABLE}: updated_at > now"]
    source.close()


def test_a_row_without_a_moment_is_told(make: Make) -> None:
    rig = make("time")
    rig.add(record(1))
    rig.execute(f"INSERT INTO {TABLE} (id, number) VALUES ('r002', 2)")
    source = connector(rig)
    assert len(list(source.pages(None, lambda _: False))) == 1
    assert source.unfinished() == [f"{TABLE}: updated_at, id = NULL"]
    source.close()
    assert [each.step for each in connectors.check(rig.source, rig.connection(), LOOPBACK) if not each.ok] == ["order"]


def test_flags_are_set_after_the_landing_and_only_then(make: Make) -> None:
    rig = make("flag")
    rig.add(*(record(number) for number in range(5)))
    landing = Landing(rig)
    landing.pull(stop_after=1, tell=False)
    assert rig.taken() == [None] * 5
    assert landing.pull() == 1  # the rows of the first page are flagged without being landed again
    assert rig.taken() == ["1"] * 5
    assert landing.ids == [record(number)["id"] for number in range(5)]


def test_a_row_that_changed_before_its_flag_is_read_again(make: Make) -> None:
    rig = make("flag")
    rig.add(record(1), record(2))
    source = connector(rig)
    (page,) = source.pages(None, lambda _: False)
    rig.execute(f"UPDATE {TABLE} SET words = '改了' WHERE number = 2")
    source.landed(page)
    source.close()
    assert rig.taken() == ["1", None]
    landing = Landing(rig)
    landing.cursor = page.cursor
    assert landing.pull() == 1
    assert (landing.ids, rig.taken()) == (["r002"], ["1", "1"])


def test_a_row_that_others_took_meanwhile_keeps_their_flag(make: Make) -> None:
    rig = make("flag")
    rig.add(record(1), record(2))
    source = connector(rig)
    (page,) = source.pages(None, lambda _: False)
    rig.execute(f"UPDATE {TABLE} SET taken = '9' WHERE number = 2")
    source.landed(page)
    source.close()
    assert rig.taken() == ["1", "9"]


@proves("database", "hostile")
def test_only_wanted_rows_are_read_and_values_are_never_sql(make: Make) -> None:
    evil = f"x'; DROP TABLE {TABLE}; --"
    rig = make("time", only={"words": [evil, None]})
    rig.add(*(record(number) for number in range(4)))
    rig.execute(f"UPDATE {TABLE} SET words = :evil WHERE number IN (1, 2)", evil=evil)
    rig.execute(f"UPDATE {TABLE} SET id = :evil WHERE number = 2", evil=evil[:20])
    assert [rig.ids(page) for page in pages_of(rig)] == [["r001", evil[:20]]]
    assert len(rig.taken()) == 4


def test_names_are_names(make: Make) -> None:
    rig = make("time")
    for options in ({"table": "a; DROP TABLE b"}, {"key": ['id"']}, {"columns": ["id", "1=1"]}):
        with pytest.raises(Misconfigured, match=r"connector\.option_invalid"):
            connectors.validate(database_source("time", **options))
    rig.source = database_source("time", columns=["id", "no_such"])
    assert (failure := failure_of(rig)).code == "database.missing"
    assert failure.params["action"] == "no_such"
    rig.source = database_source("time", table="no_such")
    assert failure_of(rig).code == "database.missing"


def test_a_key_that_names_two_rows_is_found_out(make: Make) -> None:
    rig = make("time", key=["words"])
    rig.add(*({**record(number, second=1), "text": "同"} for number in range(2)))
    assert failure_of(rig).code == "database.key_not_unique"


def test_nothing_can_be_written_while_reading(make: Make) -> None:
    rig = make("time")
    engine = open_engine(address(rig.connection(), LOOPBACK), 5, 5, writes=True)
    forbidden = pytest.raises(Misconfigured, match=r"database\.refused")
    with forbidden, translated("here", "read"), reading(engine, 5) as connection:
        connection.exec_driver_sql(f"INSERT INTO {TABLE} (id) VALUES ('x')")
    engine.dispose()
    assert rig.taken() == []


SLOW = {
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000000000)"
    " SELECT CAST(MAX(x) AS TEXT) AS id, 1 AS number, 'a' AS updated_at, 'b' AS words FROM n",
    "postgresql": "SELECT id, number, updated_at, words, CAST(pg_sleep(1) AS TEXT) AS nap FROM evaluation",
    "mariadb": "SELECT id, number, updated_at, words, SLEEP(1) AS nap FROM evaluation",
}


def test_a_slow_statement_is_broken_off(make: Make) -> None:
    rig = make("time")
    kind = rig.engine.dialect.name
    rig.add(*(record(number) for number in range(9)))
    rig.execute("DROP VIEW IF EXISTS slow")
    rig.execute(f"CREATE VIEW slow AS {SLOW[kind]}")
    columns = ["id", "words"] + (["nap"] if kind != "sqlite" else [])
    rig.source = database_source("time", table="slow", columns=columns, seconds=0.3)
    failure = failure_of(rig)
    rig.execute("DROP VIEW slow")
    assert (type(failure), failure.code) == (Transient, "database.slow")


def test_a_page_ends_before_it_grows_too_large(make: Make) -> None:
    rig = make("time", size=100, max_page_bytes=64 * 1024)
    rig.execute(f"ALTER TABLE {TABLE} ADD COLUMN long_words TEXT")
    rig.add(*(record(number) for number in range(6)))
    rig.execute(f"UPDATE {TABLE} SET long_words = :long", long="长" * 10_000)
    rig.source = database_source("time", size=100, max_page_bytes=64 * 1024, columns=["id", "long_words"])
    assert [page.declared for page in pages_of(rig)] == [3, 3]


def test_values_come_as_json_of_one_kind(make: Make) -> None:
    rig = make("id")
    rig.execute("DROP TABLE IF EXISTS kinds")
    blob = {"postgresql": "BYTEA"}.get(rig.engine.dialect.name, "BLOB")
    rig.execute(
        f"CREATE TABLE kinds (id INTEGER PRIMARY KEY, price DECIMAL(8,2), day DATE, words {blob}, 评价 VARCHAR(9))"
    )
    rig.execute("INSERT INTO kinds VALUES (1, '1234.50', '2026-11-20', :words, '㐂')", words="满意".encode("gb18030"))
    named = {
        "table": "kinds",
        "key": ["id"],
        "columns": ["id", "price", "day", "words", "评价"],
        "bytes_are": "gb18030",
    }
    rig.source = database_source("id", **named)
    (page,) = pages_of(rig)
    rig.execute("DROP TABLE kinds")
    (row,) = json.loads(page.body)
    assert (row["id"], row["day"], row["words"], row["评价"]) == (1, "2026-11-20", "满意", "㐂")
    assert str(row["price"]) in {"1234.50", "1234.5"}  # SQLite keeps no trailing noughts


def test_times_keep_the_form_of_the_column(make: Make) -> None:
    rig = make("time")
    rig.add(record(1))
    (page,) = pages_of(rig)
    assert json.loads(page.body)[0]["updated_at"] == "2026-11-20 08:00:01"


@proves("database", "wrong_credentials", "allow_list")
@pytest.mark.parametrize("by", ["postgresql", "mariadb"])
def test_wrong_credentials_and_a_server_that_is_away(request: pytest.FixtureRequest, tmp_path: Path, by: str) -> None:
    url = request.getfixturevalue("mariadb") if by == "mariadb" else None
    url = url or make_url(request.getfixturevalue("postgresql_server").create("template0"))
    rig = DatabaseRig(tmp_path, url)
    wrong = rig.connection("wrong").model_copy(update={"login": "nobody"})
    away = rig.connection().model_copy(update={"port": 1})
    for connection, kind, code in (
        (wrong, Misconfigured, "database.unauthorised"),
        (away, Transient, "database.unreachable"),
    ):
        source = connectors.build(rig.source, connection, LOOPBACK)
        with pytest.raises(kind) as failure:
            list(source.pages(None, lambda _: False))
        source.close()
        assert failure.value.code == code
        assert "wrong" not in str(failure.value)
    with pytest.raises(Misconfigured, match=r"net\.not_allowed"):
        connectors.build(rig.source, rig.connection(), "elsewhere")
    rig.close()


def test_an_account_that_may_not_flag_is_told_by_check(mariadb: URL, tmp_path: Path) -> None:
    rig = DatabaseRig(tmp_path, mariadb, "flag")
    rig.execute("DROP VIEW IF EXISTS looked_at")
    rig.execute(f"CREATE ALGORITHM=TEMPTABLE VIEW looked_at AS SELECT * FROM {TABLE}")
    rig.source = database_source("flag", table="looked_at")
    told = [each.step for each in connectors.check(rig.source, rig.connection(), LOOPBACK) if not each.ok]
    rig.execute("DROP VIEW looked_at")
    rig.close()
    assert told == ["flag"]


@pytest.mark.foreign
def test_a_flag_that_can_never_be_matched_stops_the_source(mariadb: URL, tmp_path: Path) -> None:
    rig = DatabaseRig(tmp_path, mariadb, "flag")
    rig.execute(f"ALTER TABLE {TABLE} ADD COLUMN score FLOAT")
    rig.add(record(1))
    rig.execute(f"UPDATE {TABLE} SET score = 0.1")
    rig.source = database_source("flag", columns=["id", "score"])
    with pytest.raises(Misconfigured, match=r"database\.flag_stuck"):
        Landing(rig).pull()
    rig.close()


@pytest.mark.parametrize(
    ("connection", "code"),
    [
        ({"conn_type": "mysql", "host": "elsewhere"}, "net.not_allowed"),
        ({"conn_type": "mysql", "host": "127.0.0.1", "extra": {"query": {"unix_socket": "/s"}}}, "database.url"),
        ({"conn_type": "postgresql", "host": "127.0.0.1", "extra": {"query": {"host": "elsewhere"}}}, "database.url"),
        ({"conn_type": "postgresql", "host": "127.0.0.1,elsewhere"}, "net.not_allowed"),
        ({"conn_type": "x", "extra": {"url": "mysql://a:b@127.0.0.1/d"}}, "database.url"),
        ({"conn_type": "x", "extra": {"url": "mysql://127.0.0.1/d?read_default_file=/etc/x"}}, "database.url"),
        ({"conn_type": "sqlite", "schema": "front.db"}, "database.url"),
        ({"conn_type": "telepathy", "host": "127.0.0.1"}, "database.url"),
        ({"conn_type": "x", "extra": {"url": "dm+dmPython://127.0.0.1:5236"}}, "database.driver_missing"),
    ],
)
def test_an_address_leads_where_it_says_or_nowhere(connection: dict[str, Any], code: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        connectors.build(database_source("time"), Connection.model_validate(connection), LOOPBACK)
    assert refused.value.code == code
    if code == "database.driver_missing":
        assert "dmPython" in refused.value.params["package"]


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    gone = Connection.model_validate({"conn_type": "sqlite", "schema": str(tmp_path / "gone.db")})
    source = connectors.build(database_source("flag"), gone, LOOPBACK)
    with pytest.raises(Misconfigured, match=r"database\.refused"):
        list(source.pages(None, lambda _: False))
    assert not (tmp_path / "gone.db").exists()


def test_one_text_in_another_charset_stops_no_neighbour(tmp_path: Path) -> None:
    rig = DatabaseRig(tmp_path)
    rig.add(*(record(number) for number in range(PAGE)))
    rig.execute(f"UPDATE {TABLE} SET words = CAST(x'c2fad2e2' AS TEXT) WHERE number = 1")
    rig.execute(f"UPDATE {TABLE} SET words = CAST(x'ff41' AS TEXT) WHERE number = 2")
    (page,) = pages_of(rig)
    assert [row["words"] for row in json.loads(page.body)][1:] == ["满意", "\\xffA"]
    rig.close()
