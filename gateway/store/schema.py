"""The version of the tables: what is found, what this release expects, and how to get from one to the other."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, text

from gateway.errors import Misconfigured
from gateway.store.database import Store, connect, sqlite_file

EXPECTED = "0006_persons"  # the newest revision below migrations/; a test holds the two together
MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 0x68637067  # "hcpg": two `gw init` at once run one after the other


def open_store(url: str) -> Store:
    """The store at ``url``, reachable and with the tables that this release expects.

    Raises ``Misconfigured``: ``store.url_invalid``, ``store.unusable``, ``store.schema_old`` (found, expected,
    command); ``Transient``: ``store.unreachable``, ``store.busy``.
    """
    store = connect(url)
    file = sqlite_file(url)
    found = None if file is not None and not file.exists() else schema_version(store)
    if found != EXPECTED:
        store.close()
        raise Misconfigured(
            "store.schema_old", address=store.address, found=found or "-", expected=EXPECTED, command="gw init"
        )
    return store


def schema_version(store: Store) -> str | None:
    """The revision that the database stands at; none when it holds no tables of ours."""
    with store.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def migrate(url: str) -> str:
    """Bring the database at ``url`` to the newest revision, in one transaction; make an SQLite file if need be.

    Returns the revision. May be repeated, also by two processes at once. Raises like :func:`open_store`.
    """
    from alembic import command  # slow to import, and only `gw init` needs it
    from alembic.config import Config

    file = sqlite_file(url)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)  # an existing file keeps its mode; SQLite gives its own to the log beside it
    store = connect(url)
    try:
        with store.begin() as connection:
            if store.dialect == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        store.close()
    return EXPECTED
