"""When it can't be stored: 503 or 507, never a 2xx, and all is well again once the store is."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url

from tests.conftest import PostgresqlServer
from tests.integration.inbox.world import World, batch, record


def test_a_full_disk_refuses_and_recovers_by_itself(on_sqlite: World) -> None:
    with on_sqlite.running() as serving:
        engine, full = serving.context.store.engine, True

        def bound(connection: object) -> None:
            cursor = connection.connection.cursor()  # type: ignore[attr-defined]
            pages = cursor.execute("PRAGMA page_count").fetchone()[0] if full else 1_000_000
            cursor.execute(f"PRAGMA max_page_count = {pages}")

        event.listen(engine, "begin", bound)
        body = batch(*(record(number, projectName=secrets.token_hex(40)) for number in range(2000)))
        refused = serving.post(body, "batch-0001")
        assert (refused.status_code, refused.json()["code"]) == (507, "store.full")
        assert int(refused.headers["retry-after"]) >= 1
        assert serving.count("raw_page") == serving.count("inbox_request") == 0
        full = False
        assert serving.post(body, "batch-0001").json()["stored"] == 2000


@pytest.mark.postgresql
def test_a_database_that_went_away(tmp_path: Path, postgresql_server: PostgresqlServer) -> None:
    world = World(tmp_path, postgresql_server.create())
    name = make_url(world.url).database
    with world.running() as serving:
        assert serving.client.get("/health/ready").status_code == 200
        postgresql_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgresql_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        for answer in (serving.post(batch(record(1)), "batch-0001"), serving.client.get("/health/ready")):
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["code"].startswith("store.")
        assert serving.client.get("/health/live").status_code == 200
        postgresql_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert serving.post(batch(record(1)), "batch-0001").json()["stored"] == 1
        assert serving.client.get("/health/ready").status_code == 200
        with serving.context.store.read() as transaction:
            assert transaction.execute(text("SELECT COUNT(*) FROM raw_page")).scalar() == 1
