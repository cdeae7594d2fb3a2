"""What only sources of files do: flags, archives, rewritten files, names."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

import connectors
from gateway.errors import Misconfigured, Transient
from gateway.mapping.decode import decode
from gateway.mapping.spec import Reading
from gateway.onboarding.dry_run import saved
from gateway.settings import Connection
from tests.contract.dropped import drop, lines, names, pages_of, with_error_folder, with_options, zipped
from tests.contract.ftp_rig import FtpRig, FtpsRig
from tests.contract.proof import proves
from tests.contract.rigs import DEEP, FilesRig, Landing, SftpRig, connector, record


@pytest.fixture(params=[FilesRig, SftpRig, FtpRig, FtpsRig], ids=["local", "sftp", "ftp", "ftps"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FilesRig]:
    made = request.param(tmp_path)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> FilesRig:
    return with_error_folder(tmp_path)


def in_gb18030(name: str) -> str:
    """The name as Python shows a file whose bytes are not UTF-8."""
    return os.fsdecode(name.encode("gb18030"))


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
    whole = zipped({"xl/workbook.xml": "评价\r\n".encode() * 20})
    for name in ("kiosk_1.xlsx", "other_1.csv", "kiosk_1.txt"):
        drop(rig, name, whole, "4")
    (page,) = pages_of(rig)
    assert (page.body, page.declared) == (whole, 4)
    assert page.media_type.endswith("spreadsheetml.sheet")


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


@pytest.mark.parametrize("pack", ["zip", "gzip", "gzip of two members"])
def test_packed_files_are_taken_by_their_members(rig: FilesRig, pack: str) -> None:
    with_options(rig, flag_holds_rows=True)
    if pack == "zip":
        drop(rig, "kiosk_1.zip", zipped({"a/甲.csv": lines("1", "2"), "乙.csv": lines("3", "4", "5", "6")}), "6")
    else:
        halves = [lines("1", "2", "3"), lines("4", "5", "6").partition(b"\n")[2]]
        packed = gzip.compress(b"".join(halves)) if pack == "gzip" else b"".join(map(gzip.compress, halves))
        drop(rig, "kiosk_1.csv.gz", packed, "6")
    landing = Landing(rig)
    assert landing.pull() >= 2
    assert landing.ids == ["1", "2", "3", "4", "5", "6"]
    assert names(rig.outbox) == []


@pytest.mark.parametrize("suffix", [".md5", ".sha256", ".sm3"])
def test_a_checksum_beside_must_fit_and_goes_along(rig: FilesRig, suffix: str) -> None:
    rig.drop("kiosk_1.csv", [record(1)])
    beside = rig.outbox / f"kiosk_1.csv{suffix}"
    digest = hashlib.new(suffix[1:], (rig.outbox / "kiosk_1.csv").read_bytes()).hexdigest().upper()
    beside.write_text("0" * len(digest))
    assert pages_of(rig) == []
    beside.write_text(f"{digest}  kiosk_1.csv\n")
    assert Landing(rig).pull() == 1
    assert names(rig.archive) == sorted(["kiosk_1.csv", "kiosk_1.csv.ok", beside.name])


def test_a_required_checksum_is_waited_for(folder: FilesRig) -> None:
    with_options(folder, checksum="required")
    drop(folder, "kiosk_1.csv", lines("1"))
    assert pages_of(folder) == []
    (folder.outbox / "kiosk_1.csv.md5").write_text(hashlib.md5(lines("1")).hexdigest())
    assert len(pages_of(folder)) == 1


def test_without_flags_a_file_must_keep_its_size(folder: FilesRig, monkeypatch: pytest.MonkeyPatch) -> None:
    with_options(folder, flag_suffix=None, stable_seconds=0.01)
    for number in (1, 2):
        drop(folder, f"kiosk_{number}.csv", lines("1"), flag=None)
    growing = folder.outbox / "kiosk_2.csv"
    monkeypatch.setattr("time.sleep", lambda _: growing.write_bytes(lines("1", "2")))
    source = connectors.build(folder.source, folder.connection(), "127.0.0.1")
    taken = [page.file.name for page in source.pages(None, lambda _: False) if page.file]
    assert taken == ["kiosk_1.csv"]
    assert source.unfinished() == ["kiosk_2.csv"]


@pytest.mark.parametrize(
    ("name", "content", "media_type", "declared"),
    [
        ("kiosk_1.csv", "甲,乙\r\n1,㐂\r\n".encode(), "text/csv; charset=utf-8", 1),
        ("kiosk_1.csv", "甲,乙\r\n1,㐂\r\n".encode("gb18030"), "text/csv; charset=gb18030", 1),
        ("kiosk_1.csv", "甲,乙\r\n1,㐂\r\n".encode("utf-16"), "text/csv; charset=utf-16", 1),
        ("kiosk_1.jsonl", b'{"a":1}\n{"a":2}\n', "application/json", 2),
        ("kiosk_1.json", b'{"rows":[1]}', "application/json", None),
        ("kiosk_1.xml", "<?xml version='1.0' encoding='GBK'?><a>评</a>".encode("gbk"), "application/xml", None),
    ],
)
def test_each_form_has_its_media_type(
    folder: FilesRig, name: str, content: bytes, media_type: str, declared: int | None
) -> None:
    with_options(folder, charset="auto")
    drop(folder, name, content)
    (page,) = pages_of(folder)
    assert (page.media_type, page.declared) == (media_type, declared)
    assert page.body == (content if "jsonl" not in name else b'[{"a":1},\n{"a":2}]')


@pytest.mark.parametrize(("name", "mark"), [("comma", ","), ("semicolon", ";"), ("tab", "\t"), ("pipe", "|")])
@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_fields_may_be_parted_by_other_marks(folder: FilesRig, name: str, mark: str, charset: str) -> None:
    with_options(folder, charset=charset, delimiter=name, slice_rows=2)
    told = [
        {"甲": str(number), "乙": f'億,;"\n{number}'} for number in range(5)
    ]  # 億 ends with the byte of a pipe in GB18030
    quoted = (f'{one["甲"]}{mark}"{one["乙"].replace(chr(34), chr(34) * 2)}"\r\n' for one in told)
    drop(folder, "kiosk_1.csv", (f"甲{mark}乙\r\n" + "".join(quoted)).encode(charset))
    pages = pages_of(folder)
    assert sum(page.declared or 0 for page in pages) == 5
    assert [one for page in pages for one in decode(page.body, page.media_type, Reading())] == told


def test_a_saved_file_is_parted_as_its_source_says(folder: FilesRig, tmp_path: Path) -> None:
    with_options(folder, delimiter="tab")
    file = tmp_path / "sample.csv"
    file.write_bytes("甲\t乙\r\n1\t2\r\n".encode())
    page = saved(file, folder.source)
    assert decode(page.body, page.media_type, Reading()) == [{"甲": "1", "乙": "2"}]


def test_a_form_may_be_declared_for_any_name(folder: FilesRig) -> None:
    with_options(folder, form="csv")
    drop(folder, "kiosk_1.dat", lines("1"))
    (page,) = pages_of(folder)
    assert page.declared == 1


def test_the_same_content_again_is_not_landed_again(rig: FilesRig) -> None:
    landing = Landing(rig)
    for moment in (1, 2, 3):
        rig.dropped = moment
        rig.drop("kiosk_1.csv", [record(number) for number in range(5)])
        landing.pull()
    assert len(landing.ids) == 5
    assert len(landing.pages) == 2
    assert len(names(rig.archive)) == 6


def test_another_content_of_the_same_size_and_second_is_not_taken_for_known(rig: FilesRig) -> None:
    landing = Landing(rig)
    for number in (1, 2):
        rig.drop("kiosk_1.csv", [record(number, second=1)])
        landing.pull()
    assert landing.ids == ["r001", "r002"]


def test_one_that_may_not_be_read_costs_the_others_nothing(tmp_path: Path) -> None:
    rig = FtpRig(tmp_path)
    rig.add(*(record(number) for number in range(3)))
    rig.drop("kiosk_9.csv", [record(9)])
    rig.handler.authorizer.override_perm("gw", str(tmp_path / "outbox"), "elrf")
    (rig.outbox / "kiosk_9.csv").chmod(0)
    refused = rig.handler.ftp_RETR

    def ftp_retr(self: Any, file: str) -> Any:
        return self.respond("550 not yours") if file.endswith("kiosk_9.csv") else refused(self, file)

    rig.handler.ftp_RETR = ftp_retr
    landing = Landing(rig)
    assert landing.pull() == 1
    assert "kiosk_9.csv" in names(rig.outbox)
    rig.close()


def test_ftps_trusts_an_authority_or_a_fingerprint_and_nobody_else(tmp_path: Path) -> None:
    rig = FtpsRig(tmp_path)
    rig.add(record(1))
    for extra, trusted in (
        ({"ca": str(rig.certificate)}, True),
        ({"fingerprint": rig.fingerprint}, True),
        ({"fingerprint": "0" * 64}, False),
        ({"ca": None}, False),
    ):
        source = connectors.build(rig.source, rig.connection(**extra), "127.0.0.1")
        if trusted:
            assert len(list(source.pages(None, lambda _: False))) == 1
        else:
            with pytest.raises(Misconfigured, match=r"ftp\.untrusted"):
                list(source.pages(None, lambda _: False))
        source.close()
    rig.close()


def test_bare_ftp_beyond_this_machine_is_refused_before_any_connection() -> None:
    from gateway.net.ftp import FtpSession

    far = Connection(host="ftp.example", login="gw", password="x")  # type: ignore[arg-type,call-arg]
    with pytest.raises(Misconfigured, match=r"ftp\.plain"):
        FtpSession(far, "ftp.example", secure=False, seconds=1, name_charset="utf-8")


@pytest.mark.parametrize("kind", [FtpRig, FtpsRig], ids=["ftp", "ftps"])
def test_half_a_file_that_a_server_calls_complete_is_not_taken(tmp_path: Path, kind: type[FtpRig]) -> None:
    rig = kind(tmp_path)
    rig.add(*(record(number) for number in range(10)))
    rig.spoil("lie")
    landing, dropped = Landing(rig), names(rig.outbox)
    assert landing.pull() == 0
    assert names(rig.outbox) == dropped
    rig.spoil(None)
    assert landing.pull() == 4
    assert names(rig.outbox) == []
    rig.close()


def test_an_old_server_without_machine_listings_is_read_by_names(tmp_path: Path) -> None:
    rig = FtpRig(tmp_path)
    rig.handler.proto_cmds = {k: v for k, v in rig.handler.proto_cmds.items() if k not in {"MLSD", "MLST"}}
    rig.add(*(record(number) for number in range(10)))
    landing = Landing(rig)
    assert landing.pull() == 4
    assert names(rig.outbox) == []
    rig.close()


@proves("sftp_files", "late")
def test_a_file_that_comes_late_with_an_earlier_time_is_taken(rig: FilesRig) -> None:
    rig.dropped = 9
    rig.drop("kiosk_9.csv", [record(9)])
    landing = Landing(rig)
    landing.pull()
    rig.dropped = 1
    rig.drop("kiosk_1.csv", [record(1)])
    landing.pull()
    assert landing.ids == ["r009", "r001"]


@proves("sftp_files", "throttled")
def test_a_server_that_lets_nobody_in_for_now_is_asked_later(tmp_path: Path) -> None:
    rig = FtpRig(tmp_path)
    rig.add(record(1))
    rig.turn_away(True)
    with pytest.raises(Transient, match=r"ftp\."):
        pages_of(rig)
    rig.turn_away(False)
    assert Landing(rig).pull() == 1
    rig.close()


@proves("sftp_files", "deep")
@pytest.mark.parametrize("form", ["json", "xml", "csv", "jsonl"])
def test_what_is_too_deep_for_a_parser_is_landed_and_stops_no_other(folder: FilesRig, form: str) -> None:
    with_options(folder, charset="auto")
    drop(folder, f"kiosk_1.{form}", DEEP["json" if form == "jsonl" else form])
    drop(folder, "kiosk_2.csv", lines("1"))
    taken = [page.file.name for page in pages_of(folder) if page.file]
    assert sorted(taken) == [f"kiosk_1.{form}", "kiosk_2.csv"]
