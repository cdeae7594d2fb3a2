"""Bad use: each mistake gets one sentence that names what to do, and its exit code; never a traceback."""

from __future__ import annotations

import re
import shutil
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli.output import Exit
from gateway.stages import pull
from tests.integration.cli.conftest import Operator, Town, running

Spoil = Callable[[str, str, str], Path]
APP = "mappings/511602/app.yaml"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("batch", "show", "--jsn", "x"), "--jsn"),
        (("batch", "show"), "batch_id"),
        (("nonsense",), "nonsense"),
        (("batch", "nonsense"), "nonsense"),
        (("--lang", "fr", "status"), "fr"),
        (("batch", "list", "--limit", "0"), "--limit"),
        (("target", "pin", "/no/such/file.pem", "--use", "sig"), "/no/such/file.pem"),
    ],
)
def test_wrong_usage(gw: Operator, arguments: tuple[str, ...], said: str) -> None:
    ran = gw(*arguments)
    assert ran.code == Exit.USAGE
    assert "用法有误" in ran.err
    assert said in ran.err
    assert ran.out == ""
    told = gw(*arguments, "--json")
    assert (told.code, told.json["error"]) == (Exit.USAGE, "cli.usage")
    assert told.err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "ending"),
    [
        (("pull", "nobody"), "source.unknown", Exit.MISCONFIGURED),
        (("source", "check", "nobody"), "source.unknown", Exit.MISCONFIGURED),
        (("source", "try", "nobody"), "source.unknown", Exit.MISCONFIGURED),
        (("source", "resume", "nobody", "--reason", "x"), "source.unknown", Exit.MISCONFIGURED),
        (("quarantine", "list", "--source", "nobody"), "source.unknown", Exit.MISCONFIGURED),
        (("quarantine", "replay", "--source", "nobody"), "source.unknown", Exit.MISCONFIGURED),
        (("quarantine", "list", "--code", "nothing"), "cli.reason_unknown", Exit.REFUSED),
        (("quarantine", "show", "nothing"), "cli.record_unknown", Exit.REFUSED),
        (("quarantine", "show", "abc:1"), "cli.record_unknown", Exit.REFUSED),
        (("batch", "show", "00"), "batch.unknown", Exit.REFUSED),
        (("batch", "retry", "00", "--reason", "x"), "batch.unknown", Exit.REFUSED),
        (("batch", "list", "--state", "nowhere"), "cli.state_unknown", Exit.REFUSED),
        (("batch", "list", "--date", "2026-02-30"), "cli.date_invalid", Exit.REFUSED),
        (("reconcile", "--date", "yesterday"), "cli.date_invalid", Exit.REFUSED),
        (("order", "show", "00"), "cli.order_unknown", Exit.REFUSED),
        (("order", "list", "--state", "99"), "cli.state_unknown", Exit.REFUSED),
        (("push", "--target", "nobody"), "target.unknown", Exit.MISCONFIGURED),
        (("target", "ping", "nobody"), "target.unknown", Exit.MISCONFIGURED),
        (("target", "resume", "nobody", "--reason", "x"), "target.unknown", Exit.MISCONFIGURED),
        (("target", "ping"), "config.connection_missing", Exit.MISCONFIGURED),
        (("push",), "config.connection_missing", Exit.MISCONFIGURED),
        (("dispatch",), "config.connection_missing", Exit.MISCONFIGURED),
        (("pull",), "config.connection_missing", Exit.PARTLY),
        (("pull", "app_guangan"), "config.connection_missing", Exit.PARTLY),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_is_not_there(gw: Operator, arguments: tuple[str, ...], code: str, ending: Exit) -> None:
    ran = gw(*arguments)
    assert ran.code == ending
    assert code in ran.out + ran.err
    assert "{" not in ran.err
    told = gw(*arguments, "--json")
    assert told.code == ending
    assert code in told.out
    assert told.json
    assert told.err == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\nconnector:", "\nconector:", ["conector", "是否应为 connector"]),
        ("\nowner:", "\nenabled: perhaps\nowner:", ["enabled"]),
        ('region: "511602000000"', "region: 5116", ["region"]),
    ],
)
def test_a_broken_source_file_is_told_by_line_and_stops_no_other(
    gw: Operator, spoil: Spoil, old: str, new: str, said: list[str]
) -> None:
    path = spoil(APP, old, new)
    line = path.read_text(encoding="utf-8").split(new.strip().splitlines()[0])[0].count("\n") + 1
    for command in (("source", "check", "--offline"), ("status",), ("source", "list"), ("pull",), ("run",)):
        ran = gw(*command)
        for word in (*said, "app.yaml", f"第 {line} 行"):
            assert word in ran.out, command
        assert "kiosk_guangan" in ran.out
        assert ran.code == Exit.PARTLY
    assert gw("source", "check", "app_guangan", "--offline").code == Exit.MISCONFIGURED
    alone = gw("pull", "app_guangan", "--json")
    assert (alone.code, alone.json["error"]) == (Exit.MISCONFIGURED, "mapping.invalid")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  path: /", "  path: no-slash-", "options.path"),
        ("\noptions:\n", "\noptions:\n  pathh: /x\n", "是否应为 path"),
        ("\nmapping:\n", "\nmapping:\n  profil: {}\n", "mapping.profil"),
    ],
)
def test_a_wrong_line_deep_in_a_source_file(gw: Operator, spoil: Spoil, old: str, new: str, said: str) -> None:
    path = spoil(APP, old, new)
    line = path.read_text(encoding="utf-8").split(new.strip("\n").splitlines()[-1])[0].count("\n") + 1
    ran = gw("source", "check", "app_guangan", "--offline")
    assert ran.code == Exit.MISCONFIGURED
    for word in (said, "app.yaml", f"第 {line} 行"):
        assert word in ran.out


def test_yaml_that_is_none(gw: Operator) -> None:
    (gw.home / APP).write_text("source: [unfinished\n", encoding="utf-8")
    (gw.home / "mappings/511602/kiosk.yaml").write_bytes(b"source: \xff\xfe\n")
    ran = gw("source", "check", "--offline")
    assert ran.code == Exit.PARTLY
    assert "mapping.unreadable" in ran.out
    assert "mapping.invalid" in ran.out
    assert ran.out.count("✓") + ran.out.count("通过") >= 2


def test_one_broken_file_among_working_sources(town: Town, tmp_path: Path) -> None:
    """``gw pull`` goes on with the others and ends with 3."""
    for folder in ("mappings", "targets"):
        shutil.copytree(town.gw.home / folder, tmp_path / "home" / folder)
    region = tmp_path / "home" / "mappings" / "519999"
    region.mkdir()
    (region / "new.yaml").write_text("source: new_county\nname: 新县\n", encoding="utf-8")
    ran = Operator(town.gw.var, tmp_path / "home")("pull")
    assert ran.code == Exit.PARTLY
    assert "✗ 读取配置 519999/new.yaml" in ran.out
    assert ran.out.count("✓") == 8


def test_a_target_file_that_is_missing_or_wrong(gw: Operator, spoil: Spoil) -> None:
    spoil("targets/national.yaml", "recipient:", "recipent:")
    assert "target.invalid" in gw("target", "ping").err
    (gw.home / "targets/national.yaml").unlink()
    missing = gw("push")
    assert (missing.code, "target.unknown" in missing.out) == (Exit.MISCONFIGURED, True)
    (gw.home / "targets/hotline.yaml").unlink()
    hotline = gw("dispatch")
    assert (hotline.code, "hotline.yaml" in hotline.out) == (Exit.MISCONFIGURED, True)
    assert gw("doctor").code == Exit.MISCONFIGURED


def test_doctor_looks_at_every_receiver(gw: Operator) -> None:
    national = (gw.home / "targets/national.yaml").read_text(encoding="utf-8")
    province = re.sub(r"(?m)^(target|connection): .*$", r"\1: province", national)
    (gw.home / "targets/province.yaml").write_text(province, encoding="utf-8")
    idle = re.sub(r"(?m)^target: .*$", "target: idle\nenabled: false", national)
    (gw.home / "targets/idle.yaml").write_text(idle, encoding="utf-8")
    (gw.home / "targets/wrong.yaml").write_text("target: wrong\n", encoding="utf-8")
    told = [line["detail"] for line in gw("doctor", "--json").json if line["step"] == "target"]
    assert len(told) == 3
    assert "target.invalid" in told[0]
    assert "province" in told[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_database_that_is_not_there(gw: Operator) -> None:
    url = f"postgresql://gateway:secret@127.0.0.1:{free_port()}/gateway"
    for command in ("init", "status", "run"):
        ran = gw(command, GW_DATABASE_URL=url)
        assert ran.code == Exit.LATER
        assert "store.unreachable" in ran.err
        assert "secret" not in ran.err
    doctor = gw("doctor", GW_DATABASE_URL=url)
    assert (doctor.code, "store.unreachable" in doctor.out) == (Exit.MISCONFIGURED, True)


@pytest.mark.parametrize(
    ("url", "code"),
    [("mysql://x/y", "store.url_invalid"), ("nonsense", "store.url_invalid")],
)
def test_a_database_url_that_means_nothing(gw: Operator, url: str, code: str) -> None:
    ran = gw("init", GW_DATABASE_URL=url)
    assert (ran.code, code in ran.err) == (Exit.MISCONFIGURED, True)


def test_a_state_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    gw = Operator(tmp_path / "file" / "var")
    for command in (("init",), ("sandbox", "up")):
        ran = gw(*command)
        assert ran.code == Exit.MISCONFIGURED
        assert str(tmp_path / "file") in ran.err
    assert gw("status").code == Exit.MISCONFIGURED
    assert gw("init", GW_DATABASE_URL="sqlite:////proc/gateway.db").code == Exit.MISCONFIGURED


def test_a_file_that_is_no_database(gw: Operator) -> None:
    for path in gw.var.glob("gateway.db*"):
        path.unlink()
    (gw.var / "gateway.db").write_bytes(b"no database at all, but long enough to look like one" * 40)
    ran = gw("status")
    assert (ran.code, "store.unusable" in ran.err) == (Exit.MISCONFIGURED, True)


def test_an_old_schema_names_the_command_that_mends_it(gw: Operator) -> None:
    with sqlite3.connect(gw.var / "gateway.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0000'")
    database.close()
    ran = gw("status")
    assert ran.code == Exit.MISCONFIGURED
    assert "store.schema_old" in ran.err
    assert "gw init" in ran.err


def test_no_deployment_yet(tmp_path: Path) -> None:
    ran = Operator(tmp_path / "nothing")("status")
    assert (ran.code, "gw init" in ran.err) == (Exit.MISCONFIGURED, True)
    assert Operator(tmp_path / "nothing")("doctor").code == Exit.MISCONFIGURED


@pytest.mark.parametrize("key", ["kek.key", "signature.key.pem"])
@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda path: path.unlink(), "crypto.key_missing"),
        (lambda path: path.write_bytes(b"\x00broken\xff"), "crypto.key_unreadable"),
        (lambda path: path.chmod(0o644), "crypto.key_exposed"),
    ],
    ids=["missing", "broken", "exposed"],
)
def test_a_key_that_can_not_be_used(gw: Operator, key: str, harm: Callable[[Path], None], code: str) -> None:
    harm(gw.var / "keys" / key)
    ran = gw("doctor")
    assert ran.code == Exit.MISCONFIGURED
    assert code in ran.out
    assert key in ran.out


def test_another_key_encryption_key_than_the_databases(gw: Operator) -> None:
    """A lost key is never replaced by a new one that opens nothing."""
    (gw.var / "keys" / "kek.key").unlink()
    for command in ("init", "status"):
        ran = gw(command)
        assert (ran.code, "crypto.key_missing" in ran.err) == (Exit.MISCONFIGURED, True)
    Operator(gw.var.parent / "other", gw.home)("init")
    shutil.copy(gw.var.parent / "other" / "keys" / "kek.key", gw.var / "keys" / "kek.key")
    for command in ("init", "status"):
        ran = gw(command)
        assert (ran.code, "crypto.kek_wrong" in ran.err) == (Exit.MISCONFIGURED, True)


def test_no_platform_key_is_pinned(gw: Operator) -> None:
    ran = gw("doctor")
    assert "doctor.platform_unpinned" in ran.out
    assert "gw target pin" in ran.out


def test_a_pinned_file_that_is_no_key(gw: Operator, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    ran = gw("target", "pin", str(tmp_path / "key.pem"), "--use", "sig")
    assert ran.code == Exit.MISCONFIGURED


@pytest.mark.parametrize(
    ("name", "value"),
    [("GW_CHUNK", "many"), ("GW_SENDER", "51"), ("GW_LANG", "fr"), ("GW_CONN_PORTAL_GUANGAN", "not json")],
)
def test_a_setting_that_is_wrong_is_named(gw: Operator, name: str, value: str) -> None:
    ran = gw("status", **{name: value})
    assert ran.code == Exit.MISCONFIGURED
    assert name in ran.err
    assert value not in ran.err


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = Operator(tmp_path / "var")("sandbox", "up", "--records", "10", "--port-base", str(port))
    assert ran.code == Exit.MISCONFIGURED
    assert "sandbox.cannot_start" in ran.err
    assert str(port) in ran.err
    assert "--port-base" in ran.err


def test_two_sandboxes_in_one_folder(town: Town) -> None:
    ran = town.gw("sandbox", "up")
    assert (ran.code, "gw sandbox down" in ran.err) == (Exit.MISCONFIGURED, True)


def test_a_sandbox_is_taken_down_from_another_terminal(tmp_path: Path) -> None:
    gw = Operator(tmp_path / "var")
    assert gw("sandbox", "down", "--json").json == {"stopped": False}
    sandbox = running(gw, "--records", "10")
    with sandbox:
        assert gw("sandbox", "down", "--json").json == {"stopped": True}
        assert sandbox.process.wait(30) == 0


def test_ctrl_c_ends_with_a_sentence(gw: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pull, "pull", interrupted)
    ran = gw("pull")
    assert ran.code == Exit.INTERRUPTED
    assert "已中断" in ran.err


def test_a_fault_of_ours_is_one_sentence_without_any_value(gw: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object) -> None:
        raise KeyError("张三 13800138000")

    monkeypatch.setattr(pull, "pull", faulty)
    ran = gw("pull")
    assert ran.code == Exit.FAILED
    assert "KeyError" in ran.err
    assert ".py:" in ran.err
    assert "张三" not in ran.out + ran.err
    told = gw("pull", "--json")
    assert told.json["error"] == "bug.unexpected"
    assert "张三" not in told.out
