"""The delivery room's platform and gateway, and what this room does with them."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from gateway import crash
from gateway.stages.context import Context
from tests.conftest import PostgresqlServer
from tests.integration.delivery.conftest import Clock, clock, context, home, platform
from tests.integration.delivery.world import open_world

__all__ = ["clock", "context", "home", "platform"]
FORK = multiprocessing.get_context("fork")
KILLED = -9


@pytest.fixture
def copy_database(
    request: pytest.FixtureRequest, store_url: str, context: Context, tmp_path: Path
) -> Callable[[], str]:
    """A backup: the URL of a copy of the database as it stands."""

    def copied() -> str:
        context.store.close()
        if store_url.startswith("sqlite"):
            file = tmp_path / "backup.db"
            shutil.copyfile(store_url.removeprefix("sqlite:///"), file)
            return f"sqlite:///{file}"
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        return server.create(template=str(make_url(store_url).database))

    return copied


def die_at(point: str, home: Path, url: str, clock: Clock, act: Callable[[Context], object]) -> None:
    """Do ``act`` in a process of its own, which is killed at ``point``."""

    def live() -> None:
        crash.arm(point)
        act(open_world(home, url, clock))

    process = FORK.Process(target=live)
    process.start()
    process.join(60)
    assert process.exitcode == KILLED, point
    process.close()
