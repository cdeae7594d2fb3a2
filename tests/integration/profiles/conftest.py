"""A shifted clock, and a way to open a world of any profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.profiles.world import World, open_world

Open = Callable[..., World]


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
def province(tmp_path: Path, store_url: str, clock: Clock) -> Iterator[Open]:
    """``province(profile, **target)``: a gateway, and the receiver that it reports to."""
    with ExitStack() as stack:

        def opened(profile: str, more: dict[str, Any] | None = None, **target: Any) -> World:
            return stack.enter_context(open_world(tmp_path / "home", store_url, profile, clock, more, **target))

        yield opened
