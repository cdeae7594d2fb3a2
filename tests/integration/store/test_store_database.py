"""Opening, transactions, several processes at once, and errors that name no password."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from gateway.errors import Misconfigured, Transient
from gateway.messages import explain
from gateway.store import Store, connect, migrate, open_store, schema_version, utc_aware, utc_naive
from gateway.store.schema import EXPECTED, MIGRATIONS
from gateway.store.tables import metadata

ADD_HUNDRED = """
import sys
from sqlalchemy import text
from gateway.store import open_store
store = open_store(sys.argv[1])
for _ in range(100):
    with store.begin() as transaction:
        value = transaction.execute(text("SELECT value FROM counter WHERE name = 'ledger'")).scalar_one()
        transaction.execute(text("UPDATE counter SET value = :value WHERE name = 'ledger'"), {"value": value + 1})
"""


def counter(store: Store) -> int:
    with store.read() as transaction:
        return int(transaction.execute(text("SELECT value FROM counter WHERE name = 'ledger'")).scalar_one())


def test_commits_at_the_end_and_rolls_back_on_an_error(store: Store) -> None:
    with store.begin() as transaction:
        transaction.execute(text("UPDATE counter SET value = 7 WHERE name = 'ledger'"))
    with pytest.raises(ZeroDivisionError), store.begin() as transaction:  # noqa: PT012 - the block is what is tested
        transaction.execute(text("UPDATE counter SET value = 9 WHERE name = 'ledger'"))
        raise ZeroDivisionError
    assert counter(store) == 7


def test_a_read_sees_one_state_to_its_end(store: Store) -> None:
    query = text("SELECT value FROM counter WHERE name = 'ledger'")
    with store.read() as reading:
        before = reading.execute(query).scalar_one()
        with store.begin() as writing:
            writing.execute(text("UPDATE counter SET value = 5 WHERE name = 'ledger'"))
        assert reading.execute(query).scalar_one() == before
    assert counter(store) == 5


def test_processes_write_one_after_the_other_on_sqlite(sqlite_template: Path, tmp_path: Path) -> None:
    file = tmp_path / "shared.db"
    file.write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{file}"
    workers = [subprocess.Popen([sys.executable, "-c", ADD_HUNDRED, url]) for _ in range(4)]
    assert [worker.wait() for worker in workers] == [0, 0, 0, 0]
    store = open_store(url)
    assert counter(store) == 400
    store.close()


def test_migrations_make_exactly_the_tables(store: Store) -> None:
    with store.begin() as transaction:
        context = MigrationContext.configure(transaction, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(store_url: str) -> None:
    assert migrate(store_url) == EXPECTED
    store = open_store(store_url)
    assert schema_version(store) == EXPECTED
    store.close()


def test_the_expected_revision_is_the_newest() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == EXPECTED


def test_a_missing_database_file_is_not_made_by_opening(tmp_path: Path) -> None:
    file = tmp_path / "none.db"
    with pytest.raises(Misconfigured) as refused:
        open_store(f"sqlite:///{file}")
    assert refused.value.code == "store.schema_old"
    assert "gw init" in explain(refused.value)
    assert not file.exists()


def test_an_older_schema_is_named(store_url: str) -> None:
    older = connect(store_url)
    with older.begin() as transaction:
        transaction.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    older.close()
    with pytest.raises(Misconfigured) as refused:
        open_store(store_url)
    assert (refused.value.params["found"], refused.value.params["expected"]) == ("0000", EXPECTED)


def test_an_unreachable_server_is_transient_and_its_password_stays_hidden() -> None:
    with pytest.raises(Transient) as failed:
        open_store("postgresql://gateway:hunter2@127.0.0.1:1/gateway")
    assert failed.value.code == "store.unreachable"
    assert "hunter2" not in f"{failed.value!r} {explain(failed.value)}"
    assert "127.0.0.1:1" in explain(failed.value)


@pytest.mark.postgresql
def test_a_missing_database_on_the_server_needs_a_person(postgresql_server) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Misconfigured) as refused:
        open_store(postgresql_server.url("not_there"))
    assert refused.value.code == "store.unusable"


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://h/d", "sqlite://", "sqlite:///:memory:"])
def test_an_address_of_no_use_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        connect(url)
    assert refused.value.code == "store.url_invalid"


def test_a_file_that_is_no_database_needs_a_person(tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    file.write_text("not a database, but long enough to be looked at as one\n" * 40)
    with pytest.raises(Misconfigured) as refused:
        open_store(f"sqlite:///{file}")
    assert refused.value.code == "store.unusable"


def test_times_keep_their_instant() -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=8)))
    assert utc_naive(noon) == datetime(2026, 11, 22, 4)  # noqa: DTZ001
    assert utc_aware(utc_naive(noon)) == noon
    assert utc_aware(utc_naive(noon)).tzinfo is UTC
    with pytest.raises(ValueError, match="naive"):
        utc_naive(datetime(2026, 11, 22))  # noqa: DTZ001
