from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from sandbox.generator.model import SHANGHAI
from sandbox.town import Sandbox, running_sandbox

BASE = datetime(2026, 11, 20, 12, tzinfo=SHANGHAI)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One town for the whole folder; orders move by hand."""
    folder = tmp_path_factory.mktemp("town") / "sandbox"
    with running_sandbox(folder, records=600, seed=7, tick=0, base=BASE, national=False) as running:
        yield running


@pytest.fixture(autouse=True)
def mended(town: Sandbox) -> Iterator[None]:
    yield
    for desk in town.desks.values():
        desk.mend()
