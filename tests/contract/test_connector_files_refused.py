"""What is wrong with one file is that file's problem: it is refused, told, put aside, and stops no other."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from tests.contract.dropped import drop, found, lines, names, pages_of, with_error_folder, with_options, zipped
from tests.contract.proof import proves
from tests.contract.rigs import FilesRig, Landing, connector


@pytest.fixture
def folder(tmp_path: Path) -> FilesRig:
    return with_error_folder(tmp_path)


def refusals(rig: FilesRig) -> list[str | None]:
    """Pull once; the codes of the files that were refused, by name."""
    source, found = connector(rig), []
    try:
        for page in source.pages(None, lambda _: False):
            source.landed(page)
            if page.file is not None:
                found.append((page.file.name, page.file.refused))
    finally:
        source.close()
    return [code for _, code in sorted(found)]


BOMB = zipped({"kiosk.csv": b"0" * 20_000_000})
NOTHING: dict[str, bytes] = {}


def lying(size: int) -> bytes:
    """An archive whose directory says that its member is small."""
    honest = zipped({"kiosk.csv": os.urandom(3_000_000)}, zipfile.ZIP_STORED)
    return honest.replace((3_000_000).to_bytes(4, "little"), size.to_bytes(4, "little"))


def linked() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        link = zipfile.ZipInfo("kiosk.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return content.getvalue()


def twice() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("kiosk.csv", lines("1"))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("kiosk.csv", lines("1"))
    return content.getvalue()


@proves("sftp_files", "huge", "hostile")
@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("kiosk_2.csv", lines("2") * 150_000, "file.too_large"),
        ("kiosk_2.xlsx", zipped({"xl/workbook.xml": b"1"})[:-30], "file.broken"),
        ("kiosk_2.xlsx", BOMB, "file.unsafe"),
        ("kiosk_2.xls", b"<html>", "file.broken"),
        ("kiosk_2.zip", BOMB, "file.unsafe"),
        ("kiosk_2.zip", b"PK\x03\x04 cut", "file.broken"),
        ("kiosk_2.zip", zipped(NOTHING), "file.broken"),
        ("kiosk_2.zip", lying(1000), "file.broken"),
        ("kiosk_2.zip", zipped({"../kiosk.csv": lines("2")}), "file.unsafe"),
        ("kiosk_2.zip", zipped({"/etc/kiosk.csv": lines("2")}), "file.unsafe"),
        ("kiosk_2.zip", zipped({"a\\..\\..\\kiosk.csv": lines("2")}), "file.unsafe"),
        ("kiosk_2.zip", zipped({"C:kiosk.csv": lines("2")}), "file.unsafe"),
        ("kiosk_2.zip", zipped({"inner.zip": zipped({"kiosk.csv": lines("2")})}), "file.unsafe"),
        ("kiosk_2.zip", zipped({f"{number}.csv": lines("2") for number in range(9)}), "file.unsafe"),
        ("kiosk_2.zip", zipped({"readme.doc": b"1"}), "file.unknown_form"),
        ("kiosk_2.zip", linked(), "file.unsafe"),
        ("kiosk_2.csv.gz", gzip.compress(b"0" * 20_000_000), "file.unsafe"),
        ("kiosk_2.csv.gz", gzip.compress(lines("2"))[:-4], "file.broken"),
        ("kiosk_2.csv.gz", lines("2"), "file.broken"),
        ("kiosk_2.tar.gz", gzip.compress(b"tar"), "file.unknown_form"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)}",
)
def test_what_is_wrong_with_one_file_stops_no_other(folder: FilesRig, name: str, content: bytes, code: str) -> None:
    with_options(folder, max_bytes=3_500_000, unpack={"max_files": 8})
    drop(folder, "kiosk_1.csv", lines("1"))
    drop(folder, name, content)
    drop(folder, "kiosk_3.csv", lines("3"))
    assert refusals(folder) == [None, code, None]
    assert names(folder.outbox) == []
    assert names(folder.root / "error") == [name, f"{name}.ok"]
    assert (folder.root / "error" / name).read_bytes() == content
    assert names(folder.archive) == ["kiosk_1.csv", "kiosk_1.csv.ok", "kiosk_3.csv", "kiosk_3.csv.ok"]


def test_a_member_that_stands_twice_is_refused(folder: FilesRig) -> None:
    drop(folder, "kiosk_2.zip", twice())
    assert refusals(folder) == ["file.unsafe"]


def test_a_refused_file_is_told_and_its_bytes_are_kept(folder: FilesRig) -> None:
    drop(folder, "kiosk_2.xls", b"<html>")
    drop(folder, "kiosk_3.csv", b"0" * 2000)
    with_options(folder, max_bytes=1024)
    told = {each.detail.split(":")[0]: each.ok for each in found(folder) if each.step == "file"}
    assert told == {"kiosk_2.xls": False, "kiosk_3.csv": False}
    broken, large = sorted(pages_of(folder), key=lambda page: page.origin)
    assert broken.body == b"<html>"
    assert json.loads(large.body) == {"file": "kiosk_3.csv", "size": 2000, "refused": "file.too_large", "limit": 1024}
    assert {broken.media_type, large.media_type} == {"application/octet-stream"}


def test_a_refused_file_without_error_folder_stays_and_is_not_read_again(tmp_path: Path) -> None:
    rig = FilesRig(tmp_path)
    drop(rig, "kiosk_1.xls", b"<html>", "1")
    landing = Landing(rig)
    source = connector(rig)
    (page,) = source.pages(None, lambda _: False)
    source.landed(page)
    source.close()
    landing.origins.add(page.origin)
    assert landing.pull() == 0
    assert names(rig.outbox) == ["kiosk_1.xls", "kiosk_1.xls.ok"]
