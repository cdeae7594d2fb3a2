from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.inbox.world import Serving, World


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> World:
    """On SQLite and on PostgreSQL."""
    return World(tmp_path, store_url)


@pytest.fixture
def on_sqlite(tmp_path: Path, sqlite_template: Path) -> World:
    shutil.copyfile(sqlite_template, tmp_path / "gateway.db")
    return World(tmp_path, f"sqlite:///{tmp_path / 'gateway.db'}")


@pytest.fixture
def serving(world: World) -> Iterator[Serving]:
    with world.running() as running:
        yield running
