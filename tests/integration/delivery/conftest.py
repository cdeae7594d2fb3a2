"""A platform that runs, and a gateway that knows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.stages.context import Context
from sandbox.platform.running import RunningPlatform
from tests.doubles import forked_platform
from tests.integration.delivery import world


class Clock:
    """Real time, shifted on demand."""

    def __init__(self) -> None:
        self.shift = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.shift


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def home(tmp_path: Path, store_url: str) -> Path:
    home = tmp_path / "home"
    world.prepare(home, store_url, batch_records=10)
    return home


@pytest.fixture
def platform(tmp_path: Path, home: Path) -> Iterator[RunningPlatform]:
    folder = tmp_path / "platform"
    with forked_platform(folder, senders=(world.SENDER,), sender_keys=home / "sender") as running:
        world.introduce(home, running)
        yield running


@pytest.fixture
def context(home: Path, platform: RunningPlatform, store_url: str, clock: Clock) -> Iterator[Context]:
    opened = world.open_world(home, store_url, clock)
    yield opened
    opened.store.close()
