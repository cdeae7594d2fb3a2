"""The operator's night of 《上报运维手册》, played as it is told: every trouble heals by the commands that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.disks import Disk
from tests.faults.night import GUIDE, MARKS, SCENES, a_night, played

RECORDS = 200


@pytest.mark.kill
def test_the_night_ends_with_everything_there_once(tmp_path: Path) -> None:
    with a_night(tmp_path / "var", RECORDS, Disk(tmp_path / "var")) as night:
        played(night)
        assert sum(line.startswith("### ") for line in night.story) == len(SCENES) + 1


def test_the_guide_tells_a_night_that_was_played() -> None:
    told = GUIDE.read_text(encoding="utf-8").partition(MARKS[0])[2].partition(MARKS[1])[0]
    assert told.count("### ") == len(SCENES) + 1
    assert told.count("$ gw ") > 30
