"""The archive: built a day at a time, verified from files alone; every kind of change is found."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.crypto.keys import KeyFolder
from gateway.domain.moments import shanghai
from gateway.errors import Misconfigured, Rejected
from gateway.evidence.export import export
from gateway.evidence.folder import PublicKeyFolder, content_path, seal_path
from gateway.evidence.seal import created, digest_of, read_seal, seal_day
from gateway.evidence.verify import Verified, verify_folder
from gateway.stages.context import Context
from gateway.stages.evidence import build, folder_of
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from sandbox.platform.running import RunningPlatform
from tests.doubles import forked_platform
from tests.integration.cli.conftest import Operator
from tests.integration.delivery import world
from tests.integration.delivery.conftest import Clock
from tests.integration.delivery.world import fill, open_world, service
from tests.integration.evidence.conftest import die_at

DAY = timedelta(days=1)


def settle(context: Context, first: int, last: int) -> None:
    fill(context, *([service(number)] for number in range(first, last)))
    push(context, "national")
    reconcile(context, "national")


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> tuple[Path, Path, str]:
    """An archive of four days, two of them with batches: its folder, the folder of keys, its head."""
    root = tmp_path_factory.mktemp("archive")
    url = f"sqlite:///{root / 'gateway.db'}"
    shutil.copyfile(sqlite_template, root / "gateway.db")
    world.prepare(root / "home", url, batch_records=10)
    with forked_platform(root / "platform", senders=(world.SENDER,), sender_keys=root / "home" / "sender") as running:
        world.introduce(root / "home", running)
        clock = Clock()
        context = open_world(root / "home", url, clock)
        settle(context, 0, 15)
        clock.shift += 2 * DAY
        running.admin.clock(shift=clock.shift.total_seconds())
        settle(context, 15, 20)
        clock.shift += 2 * DAY
        report = build(context)
        assert (report.days, report.batches, report.damaged) == (4, 3, ())
        folder, keys = folder_of(context), context.keys.path
        context.store.close()
    (root / "gateway.db").unlink()
    return folder, keys, report.head


@pytest.fixture
def copied(archived: tuple[Path, Path, str], tmp_path: Path) -> Path:
    """A copy that may be tampered with."""
    return Path(shutil.copytree(archived[0], tmp_path / "copy"))


def verified(folder: Path, archived: tuple[Path, Path, str], head: str = "") -> Verified:
    return verify_folder(folder, PublicKeyFolder(archived[1]), head=head)


def days(folder: Path) -> list[str]:
    return sorted(path.name.removesuffix(".seal.json") for path in folder.glob("*.seal.json"))


def codes(found: Verified) -> set[str]:
    return {finding.code for finding in found.findings}


def test_an_untouched_archive_is_sound(archived: tuple[Path, Path, str]) -> None:
    found = verified(archived[0], archived, archived[2])
    assert found.sound
    assert (found.days, found.batches, found.head) == (4, 3, archived[2])
    assert found.lines > found.batches  # results of reconciliation stand in it too


def test_verifying_loads_nothing_that_knows_a_database(archived: tuple[Path, Path, str]) -> None:
    script = (
        "import sys, pathlib; from gateway.evidence.verify import verify_folder;"
        "from gateway.evidence.folder import PublicKeyFolder;"
        "f = verify_folder(pathlib.Path(sys.argv[1]), PublicKeyFolder(pathlib.Path(sys.argv[2])));"
        "assert f.sound and 'sqlalchemy' not in sys.modules and 'gateway.store' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script, *map(str, archived[:2])], check=True)


def test_files_are_for_their_owner_alone(archived: tuple[Path, Path, str]) -> None:
    assert {path.stat().st_mode & 0o077 for path in archived[0].glob("2*")} == {0}


def test_every_flipped_byte_is_found(archived: tuple[Path, Path, str], copied: Path) -> None:
    """Every byte of the seals, and a spread over the contents."""
    tried = 0
    for path in sorted(copied.glob("2*")):
        raw = path.read_bytes()
        step = 7 if path.name.endswith(".seal.json") else max(1, len(raw) // 40)
        for place in range(0, len(raw), step):
            path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
            assert not verified(copied, archived).sound, (path.name, place)
            tried += 1
        path.write_bytes(raw)
    assert tried > 200
    assert verified(copied, archived).sound


def _swap(first: Path, second: Path) -> None:
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)


def _swap_days(folder: Path) -> None:
    one, _, other, _ = days(folder)
    _swap(seal_path(folder, one), seal_path(folder, other))
    _swap(content_path(folder, one), content_path(folder, other))


def _drop(folder: Path, number: int) -> None:
    day = days(folder)[number]
    seal_path(folder, day).unlink()
    content_path(folder, day).unlink()


def _edit_lines(folder: Path, edit: Callable[[list[bytes]], list[bytes]]) -> None:
    path = content_path(folder, days(folder)[0])
    path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))


TAMPERING: dict[str, tuple[Callable[[Path], object], str]] = {
    "a day in the middle is missing": (lambda folder: _drop(folder, 1), "day_missing"),
    "the first day is missing": (lambda folder: _drop(folder, 0), "start_missing"),
    "two days are swapped": (_swap_days, "day_swapped"),
    "two contents are swapped": (
        lambda folder: _swap(content_path(folder, days(folder)[0]), content_path(folder, days(folder)[2])),
        "content_differs",
    ),
    "a content is missing": (lambda folder: content_path(folder, days(folder)[0]).unlink(), "content_missing"),
    "a seal is missing": (lambda folder: seal_path(folder, days(folder)[1]).unlink(), "seal_missing"),
    "a line is missing": (lambda folder: _edit_lines(folder, lambda lines: lines[1:]), "content_differs"),
    "lines are reordered": (lambda folder: _edit_lines(folder, lambda lines: lines[::-1]), "content_differs"),
    "a line is repeated": (lambda folder: _edit_lines(folder, lambda lines: [lines[0], *lines]), "content_differs"),
    "a line is no JSON": (lambda folder: _edit_lines(folder, lambda lines: [b"{}\n", *lines]), "line_unreadable"),
    "a content is cut": (
        lambda folder: _edit_lines(folder, lambda lines: [*lines[:-1], lines[-1][:9]]),
        "content_differs",
    ),
    "a seal is empty": (lambda folder: seal_path(folder, days(folder)[1]).write_bytes(b""), "seal_form"),
}


@pytest.mark.parametrize("name", sorted(TAMPERING))
def test_tampering_is_found(archived: tuple[Path, Path, str], copied: Path, name: str) -> None:
    tamper, code = TAMPERING[name]
    tamper(copied)
    assert code in codes(verified(copied, archived))


def test_an_end_that_was_cut_is_found_by_whoever_knows_it(archived: tuple[Path, Path, str], copied: Path) -> None:
    _drop(copied, -1)
    assert codes(verified(copied, archived, archived[2])) == {"head_differs"}


def test_a_day_sealed_by_a_stranger_is_found(archived: tuple[Path, Path, str], copied: Path, tmp_path: Path) -> None:
    stranger = KeyFolder(tmp_path / "stranger")
    stranger.new()
    path = seal_path(copied, days(copied)[-1])
    path.write_bytes(_sealed_anew(path, stranger))
    assert codes(verified(copied, archived)) == {"key_unknown"}


def test_a_day_that_the_owner_of_the_key_made_anew_breaks_the_chain(
    archived: tuple[Path, Path, str], copied: Path
) -> None:
    path = seal_path(copied, days(copied)[1])
    path.write_bytes(_sealed_anew(path, KeyFolder(archived[1])))
    assert codes(verified(copied, archived)) == {"chain_broken"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda line: line["events"].pop(3), "history_broken"),
        (lambda line: line.update(state="CANCELLED"), "history_broken"),
        (lambda line: line.update(header_digest="0" * 64), "header_digest"),
        (lambda line: line.update(merkle_root="0" * 64), "header_differs"),
        (lambda line: line.update(payloadDigest="0" * 64), "header_signature"),
        (lambda line: line["receipts"].clear(), "receipt_missing"),
        (lambda line: line["receipts"][0].update(receipt_id="another"), "receipt_invalid"),
        (lambda line: line["receipts"][0].update(raw=line["header"]), "receipt_invalid"),
    ],
)
def test_even_who_seals_anew_cannot_forge_what_others_signed(
    archived: tuple[Path, Path, str], copied: Path, change: Callable[[dict[str, object]], object], code: str
) -> None:
    """The last day, content and seal made anew with our own key: header, receipt and history speak against it."""
    day = days(copied)[0]
    for later in days(copied)[1:]:
        seal_path(copied, later).unlink()
        content_path(copied, later).unlink()
    lines = content_path(copied, day).read_bytes().splitlines()
    line = json.loads(lines[0])
    change(line)
    from gateway.crypto.canonical import canonical_json
    from gateway.crypto.digest import sm3_hex

    body = b"\n".join([canonical_json(line), *lines[1:]]) + b"\n"
    content_path(copied, day).write_bytes(body)
    path = seal_path(copied, day)
    anew = {"content_digest": sm3_hex(body), "content_bytes": len(body), "lines": len(lines)}
    path.write_bytes(_sealed_anew(path, KeyFolder(archived[1]), **anew))
    assert code in codes(verified(copied, archived))


def _sealed_anew(path: Path, keys: KeyFolder, **changed: object) -> bytes:
    from dataclasses import replace

    seal = read_seal(path.read_bytes())
    anew = replace(seal, created=created(datetime.now(UTC)), key_id=keys.signer.key_id, **changed)  # type: ignore[arg-type]
    return seal_day(replace(anew, created=created(datetime.now(UTC) + timedelta(hours=1))), keys.signer)


def test_an_export_verifies_on_its_own(archived: tuple[Path, Path, str], tmp_path: Path) -> None:
    folder, keys, head = archived
    first, last = days(folder)[1], days(folder)[-1]
    out = tmp_path / "out"
    done = export(folder, keys, out, first, last)
    assert (done.days, done.head) == (3, head)
    assert verify_folder(out, PublicKeyFolder(out / "keys"), part=True, head=head).sound
    assert not [path for path in out.rglob("*") if "key.pem" in path.name or "kek" in path.name]
    with pytest.raises(Rejected, match=r"evidence\.folder_used"):
        export(folder, keys, out, first, last)
    with pytest.raises(Rejected, match=r"evidence\.empty"):
        export(folder, keys, tmp_path / "none", "1999-01-01", "1999-01-02")


def test_the_command_verifies_without_a_database(
    archived: tuple[Path, Path, str], copied: Path, tmp_path: Path
) -> None:
    gw = Operator(tmp_path / "nothing", GW_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    asked = ("evidence", "verify", "--keys", str(archived[1]), "--folder")
    ran = gw(*asked, str(copied), "--head", archived[2], "--json")
    assert (ran.code, ran.json["findings"]) == (0, [])
    _drop(copied, 1)
    assert gw(*asked, str(copied)).code == 4
    assert "缺日" in gw(*asked, str(copied)).out
    out = tmp_path / "out"
    last = days(archived[0])[-1]
    spans = ("--from", last, "--to", last, "--folder", str(archived[0]), "--keys", str(archived[1]))
    assert gw("evidence", "export", str(out), *spans).code == 0
    assert gw("evidence", "verify", "--part", "--keys", str(out / "keys"), "--folder", str(out)).code == 0


def test_nothing_settled_nothing_sealed(context: Context, platform: RunningPlatform) -> None:
    report = build(context)
    assert (report.days, report.head) == (0, "")
    with pytest.raises(Rejected, match=r"evidence\.empty"):
        verify_folder(folder_of(context), PublicKeyFolder(context.keys.path))


def test_a_lost_day_stops_the_chain_instead_of_being_made_anew(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    settle(context, 0, 5)
    clock.shift += 2 * DAY
    assert build(context).days == 2
    assert build(context).days == 0
    folder = folder_of(context)
    first = days(folder)[0]
    kept = seal_path(folder, first).read_bytes()
    seal_path(folder, first).write_bytes(kept.replace(b'"lines":', b'"lines" :'))
    with pytest.raises(Misconfigured, match=r"evidence\.chain_broken"):
        build(context)
    seal_path(folder, first).unlink()
    clock.shift += DAY
    with pytest.raises(Misconfigured, match=r"evidence\.days_missing"):
        build(context)
    seal_path(folder, first).write_bytes(kept)
    assert build(context).days == 1


@pytest.mark.kill
@pytest.mark.parametrize("point", ["evidence.written", "evidence.sealed", "evidence.noted"])
def test_killed_while_archiving_the_chain_goes_on(
    context: Context, platform: RunningPlatform, home: Path, store_url: str, clock: Clock, point: str
) -> None:
    settle(context, 0, 5)
    clock.shift += 2 * DAY
    die_at(point, home, store_url, clock, build)
    before = {path.name: path.read_bytes() for path in folder_of(context).glob("*.seal.json")}
    report = build(context)
    assert report.days + report.adopted == 2
    found = verify_folder(folder_of(context), PublicKeyFolder(context.keys.path), head=report.head)
    assert found.sound
    assert (found.days, found.batches) == (2, 1)
    for name, raw in before.items():
        assert (folder_of(context) / name).read_bytes() == raw  # what was sealed is never sealed anew
    assert digest_of(seal_path(folder_of(context), found.last).read_bytes()) == report.head
    assert shanghai(clock()).date() - DAY == datetime.fromisoformat(found.last).date()
