"""Whatever a test of this room opens is closed after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.hotline import world


@pytest.fixture(autouse=True)
def _stores_are_closed() -> Iterator[None]:
    yield
    while world.opened:
        world.opened.pop().close()
