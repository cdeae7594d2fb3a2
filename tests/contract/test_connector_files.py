"""What only sources of files do: flags, archives, rewritten files, names."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

import connectors
from gateway.connector import Page
from gateway.errors import Misconfigured
from gateway.settings import Connection
from tests.contract.rigs import FilesRig, Landing, SftpRig, connector, record


@pytest.fixture(params=[FilesRig, SftpRig], ids=["local", "sftp"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FilesRig]:
    made = request.param(tmp_path)
    yield made
    made.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def in_gb18030(name: str) -> str:
    """The name as Python shows a file whose bytes are not UTF-8."""
    return os.fsdecode(name.encode("gb18030"))


def pages_of(rig: FilesRig) -> list[Page]:
    source = connector(rig)
    try:
        return list(source.pages(None, lambda _: False))
    finally:
        source.close()


def test_landed_files_go_to_the_archive_with_their_flags(rig: FilesRig) -> None:
    rig.add(*(record(number) for number in range(5)))
    landing = Landing(rig)
    landing.pull(stop_after=1)
    assert names(rig.archive) == []
    landing.pull()
    assert names(rig.outbox) == []
    assert names(rig.archive) == ["kiosk_20261120_1.csv", "kiosk_20261120_1.csv.ok"]


@pytest.mark.parametrize("lacking", ["flag", "rows"])
def test_a_half_written_file_is_left_alone_and_told(rig: FilesRig, lacking: str) -> None:
    rig.drop("kiosk_1.csv", [record(1)], flag="2")
    if lacking == "flag":
        (rig.outbox / "kiosk_1.csv.ok").unlink()
    assert pages_of(rig) == []
    told = [each for each in connectors.check(rig.source, rig.connection(), "127.0.0.1") if not each.ok]
    assert [each.step for each in told] == ["file"]
    assert "kiosk_1.csv" in told[0].detail
    assert "kiosk_1.csv" in names(rig.outbox)


def test_a_file_written_anew_is_a_new_origin_and_keeps_the_earlier_archive(rig: FilesRig) -> None:
    landing = Landing(rig)
    for number in (1, 2):
        rig.dropped = number
        rig.drop("kiosk_1.csv", [record(number)])
        assert landing.pull() == 1
    assert landing.ids == ["r001", "r002"]
    assert len(landing.origins) == 2
    assert len(names(rig.archive)) == 4


def test_a_file_written_anew_before_landed_is_not_archived(rig: FilesRig) -> None:
    rig.drop("kiosk_1.csv", [record(1)])
    source = connector(rig)
    page = next(iter(source.pages(None, lambda _: False)))
    rig.dropped = 9
    rig.drop("kiosk_1.csv", [record(2)])
    source.landed(page)
    source.close()
    assert names(rig.archive) == []


def test_a_kill_between_file_and_flag_is_tidied_by_the_next_pull(rig: FilesRig) -> None:
    rig.drop("kiosk_1.csv", [record(1)])
    (rig.outbox / "kiosk_1.csv").rename(rig.archive / "kiosk_1.csv")
    assert pages_of(rig) == []
    assert (names(rig.outbox), len(names(rig.archive))) == ([], 2)


def test_a_spreadsheet_comes_whole_and_other_names_are_not_taken(rig: FilesRig) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("xl/workbook.xml", "评价\r\n" * 20)
    whole = content.getvalue()
    for name in ("kiosk_1.xlsx", "other_1.csv", "kiosk_1.txt"):
        (rig.outbox / name).write_bytes(whole)
        (rig.outbox / f"{name}.ok").write_text("4")
    (rig.outbox / "kiosk_2.xlsx").write_bytes(whole[:30] + b"\x00" * 8 + whole[38:])
    (rig.outbox / "kiosk_2.xlsx.ok").write_text("4")
    (page,) = pages_of(rig)
    assert (page.body, page.declared) == (whole, 4)
    assert page.media_type.endswith("spreadsheetml.sheet")
    told = [each for each in connectors.check(rig.source, rig.connection(), "127.0.0.1") if not each.ok]
    assert ["kiosk_2.xlsx" in each.detail for each in told] == [True]


def test_names_in_gb18030_are_found_read_and_moved(tmp_path: Path) -> None:
    rig = SftpRig(tmp_path)
    rig.source = rig.source.model_copy(
        update={"options": {**rig.source.options, "name_charset": "gb18030", "pattern": "评价*"}}
    )
    rig.drop("plain.csv", [record(1)])
    for plain in ("plain.csv", "plain.csv.ok"):
        (rig.outbox / plain).rename(rig.outbox / in_gb18030(plain.replace("plain", "评价")))
    landing = Landing(rig)
    assert landing.pull() == 1
    assert next(iter(landing.origins)).startswith("评价.csv@")
    assert in_gb18030("评价.csv") in names(rig.archive)
    rig.close()


@pytest.mark.parametrize("broken", [b"kiosk_\xff.csv", b"kiosk_" + b"9" * 240 + b".csv"])
def test_a_name_that_is_no_text_or_endless_stops_nobody(rig: FilesRig, broken: bytes) -> None:
    for number in (1, 2):
        rig.drop(f"kiosk_{number}.csv", [record(number)])
    for end in ("", ".ok"):
        (rig.outbox / f"kiosk_1.csv{end}").rename(rig.outbox / os.fsdecode(broken + end.encode()))
    landing = Landing(rig)
    assert landing.pull() == 2
    assert all(len(origin.encode()) < 300 for origin in landing.origins)
    assert names(rig.outbox) == []
    assert os.fsdecode(broken) in names(rig.archive)


def test_another_host_key_is_refused_before_the_password_is_sent(tmp_path: Path) -> None:
    rig = SftpRig(tmp_path)
    for kind in ("ssh-ed25519", "ssh-rsa"):
        other = asyncssh.generate_private_key(kind).export_public_key().decode()
        changed = rig.connection().model_copy(update={"extra": {"host_key": other}})
        with pytest.raises(Misconfigured, match=r"sftp\.host_key_changed"):
            list(connectors.build(rig.source, changed, "127.0.0.1").pages(None, lambda _: False))
    rig.close()


def test_no_pinned_host_key_no_connection(tmp_path: Path) -> None:
    rig = SftpRig(tmp_path)
    bare = Connection(host="127.0.0.1", port=rig.port)
    with pytest.raises(Misconfigured, match=r"sftp\.no_host_key"):
        list(connectors.build(rig.source, bare, "127.0.0.1").pages(None, lambda _: False))
    assert rig.connections == 0
    rig.close()


def test_a_missing_folder_needs_an_operator(rig: FilesRig) -> None:
    rig.outbox.rmdir()
    with pytest.raises(Misconfigured, match=r"sftp\.folder"):
        pages_of(rig)
