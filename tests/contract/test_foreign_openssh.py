"""A real OpenSSH server as a source of files: key login, Chinese names, archive, what may not be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.errors import Misconfigured
from gateway.settings import Connection
from tests.contract.rigs import FilesRig, Landing, connector, record
from tests.openssh import NoOpenssh, private_openssh

pytestmark = pytest.mark.foreign


class OpensshRig(FilesRig):
    def __init__(self, root: Path, real: Connection) -> None:
        super().__init__(root, transport="sftp", seconds=10.0)
        self.real = real

    def connection(self, password: str = "right") -> Connection:
        return self.real


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[OpensshRig]:
    with ExitStack() as stack:
        try:
            real = stack.enter_context(private_openssh())
        except NoOpenssh as missing:
            pytest.skip(f"OpenSSH part NOT run: {missing}")
        yield OpensshRig(tmp_path, real)


def test_files_are_taken_and_put_away_once(rig: OpensshRig) -> None:
    rig.add(*(record(number) for number in range(10)))
    rig.drop("kiosk_评价.csv", [record(20)])
    landing = Landing(rig)
    landing.pull(stop_after=1, tell=False)
    while landing.pull(stop_after=1):
        pass
    assert sorted(landing.ids) == [record(number)["id"] for number in (*range(10), 20)]
    assert list(rig.outbox.iterdir()) == []
    assert "kiosk_评价.csv" in [path.name for path in rig.archive.iterdir()]
    rig.dropped = 9
    rig.drop("kiosk_评价.csv", [record(21)])  # its name is taken in the archive
    assert landing.pull() == 1
    assert len([path for path in rig.archive.iterdir() if "评价" in path.name]) == 4


def test_an_archive_that_is_not_there_needs_an_operator(rig: OpensshRig) -> None:
    rig.add(record(1))
    rig.archive.rmdir()
    source = connector(rig)
    page = next(iter(source.pages(None, lambda _: False)))
    with pytest.raises(Misconfigured, match=r"sftp\.folder"):
        source.landed(page)
    source.close()
