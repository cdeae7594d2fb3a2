"""The ferry's folders: never half a file, whatever is repeated, torn or killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.crypto.digest import sm3_hex
from gateway.errors import Transient
from gateway.profiles import drop_box


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_lies_there_has_its_flag_and_nothing_beside(tmp_path: Path) -> None:
    drop_box.drop(tmp_path, "b.hcpb", b"sealed")
    assert names(tmp_path) == ["b.hcpb", "b.hcpb.sm3"]
    assert (tmp_path / "b.hcpb.sm3").read_text() == sm3_hex(b"sealed") + "\n"
    assert drop_box.arrived(tmp_path, "b.hcpb") == b"sealed"


def test_repeating_touches_nothing(tmp_path: Path) -> None:
    drop_box.drop(tmp_path, "b", b"sealed")
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    drop_box.drop(tmp_path, "b", b"sealed")
    assert before == {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}


@pytest.mark.parametrize("left", [["b"], ["b.sm3"], [".b.part"], ["b", "b.sm3"]])
def test_whatever_a_killed_run_left_is_made_whole(tmp_path: Path, left: list[str]) -> None:
    for name in left:
        (tmp_path / name).write_bytes(b"half")
    drop_box.drop(tmp_path, "b", b"sealed")
    assert drop_box.arrived(tmp_path, "b") == b"sealed"


@pytest.mark.parametrize("there", [[], ["r"], ["r.sm3"], ["r.part"]])
def test_half_an_arrival_counts_for_nothing(tmp_path: Path, there: list[str]) -> None:
    for name in there:
        (tmp_path / name).write_bytes(b"x")
    assert drop_box.arrived(tmp_path, "r") is None


def test_an_arrival_that_does_not_fit_its_flag_is_told(tmp_path: Path) -> None:
    drop_box.drop(tmp_path, "r", b"receipt")
    (tmp_path / "r").write_bytes(b"receip")
    with pytest.raises(Transient, match=r"ferry\.damaged"):
        drop_box.arrived(tmp_path, "r")


def test_a_folder_that_is_gone_is_told_as_ours_to_mend(tmp_path: Path) -> None:
    with pytest.raises(Transient, match=r"ferry\.unwritable"):
        drop_box.drop(tmp_path / "gone", "b", b"sealed")


def test_a_file_put_away_takes_its_flag_along_and_may_be_put_away_twice(tmp_path: Path) -> None:
    drop_box.drop(tmp_path, "r", b"receipt")
    for _ in range(2):
        drop_box.put_away(tmp_path, "r", tmp_path / "done")
    assert names(tmp_path) == ["done"]
    assert names(tmp_path / "done") == ["r", "r.sm3"]
