"""The ground that the worlds of one test run stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.ground import Ground, prepared


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with prepared() as made:
        yield made
