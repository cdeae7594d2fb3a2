"""An operator's night with the commands alone: what stands still, why, what to type, and what is left in the audit."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.cli.output import Exit
from gateway.reports.stuck import stuck as stuck_now
from gateway.stages.context import Context
from gateway.stages.delivery_acts import list_batches
from gateway.stages.push import push
from gateway.store import bodies
from sandbox.platform.running import RunningPlatform
from tests.integration.cli.conftest import Operator
from tests.integration.delivery import world
from tests.integration.delivery.conftest import Clock
from tests.integration.delivery.test_delivery_push import states
from tests.integration.delivery.world import fill, service


@pytest.fixture
def store_url(tmp_path: Path, sqlite_template: Path) -> str:
    """One kind of database is enough here: what is said is not what is stored."""
    return f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'gateway.db')}"


@pytest.fixture
def gw(home: Path, store_url: str, context: Context) -> Operator:
    connection = (home / "connection.json").read_text()
    return Operator(home / "var", home, GW_DATABASE_URL=store_url, GW_SENDER=world.SENDER, GW_CONN_NATIONAL=connection)


def troubled(context: Context, platform: RunningPlatform) -> list[str]:
    """Two batches that wait to be sent again, one that arrived."""
    fill(context, *([service(number)] for number in range(30)))
    platform.admin.fault("http_500", times=2, call="batches")
    push(context, "national")
    return [line.batch_id for line in reversed(list_batches(context))]


def test_many_at_once_are_rehearsed_first(gw: Operator, context: Context, platform: RunningPlatform) -> None:
    troubled(context, platform)
    many = ("batch", "retry", "--all", "--where", "code=http.500", "--json")
    dry = gw(*many)
    assert (dry.code, dry.json["dry_run"], dry.json["done"]) == (Exit.DONE, True, 2)
    assert states(context)[0] == "RETRY_WAIT"
    assert gw(*many, "--yes").json["error"] == "act.reason_missing"
    done = gw(*many, "--yes", "--rate", "1000", "--reason", "平台已恢复")
    assert (done.code, [one["result"] for one in done.json["batches"]]) == (Exit.DONE, ["done", "done"])
    assert gw(*many, "--yes", "--reason", "再来").json["batches"] == []
    audited = gw("audit", "list", "--json").json
    assert [line["act"] for line in audited] == ["batch.retry"] * 2


def test_some_done_and_some_not_ends_with_three(gw: Operator, context: Context, platform: RunningPlatform) -> None:
    ids = troubled(context, platform)
    partly = gw("batch", "suspend", ids[0][:12], ids[2][:12], "--reason", "核对", "--json")
    assert partly.code == Exit.PARTLY
    assert [(one["result"], one["code"]) for one in partly.json["batches"]] == [
        ("done", None),
        ("skipped", "batch.act_unfit"),
    ]
    assert "当前状态不适用" in gw("batch", "suspend", ids[0], ids[2], "--reason", "核对").out
    refused = gw("batch", "cancel", ids[0], "--reason", "不要了")
    assert refused.code == Exit.REFUSED
    assert "batch.maybe_sent" in refused.err
    assert "gw push" in refused.err


NOT_UNDERSTOOD = [
    (("--all", "--where", "colour=red"), "cli.where_invalid"),
    (("--all", "--where", "state=nowhere"), "cli.state_unknown"),
    (("--all", "--where", "date=2026-02-30"), "cli.date_invalid"),
    (("--all", "--where", "class=NO_SUCH"), "cli.class_unknown"),
    (("--all", "--rate", "1e-320"), "cli.rate_invalid"),
    (("--where", "code=http.500"), "cli.batches_or_all"),
    ((), "cli.batches_or_all"),
    (("0" * 32,), "batch.unknown"),
]


def test_what_is_not_understood_does_nothing(gw: Operator) -> None:
    for arguments, error in NOT_UNDERSTOOD:
        for act in ("retry", "cancel"):
            refused = gw("batch", act, *arguments, "--reason", "x", "--json")
            assert (refused.code, refused.json["error"]) == (Exit.REFUSED, error)
    misspelt = gw("batch", "retry", "--all", "--where", "target=nationl", "--json")
    assert (misspelt.code, misspelt.json["error"]) == (Exit.MISCONFIGURED, "target.unknown")


def test_no_id_at_all_is_no_batch(gw: Operator, context: Context, platform: RunningPlatform) -> None:
    """As from a script whose variable is empty: the only batch there is was not meant."""
    fill(context, [service(1)])
    platform.admin.fault("retry_after", seconds=300, call="batches")
    push(context, "national")
    for empty in ("", " "):
        refused = gw("batch", "suspend", empty, "--reason", "x", "--json")
        assert (refused.code, refused.json["error"]) == (Exit.REFUSED, "batch.unknown")
    assert states(context) == ["RETRY_WAIT"]


def test_what_stands_still_is_told_with_its_owner_and_the_next_command(
    gw: Operator, context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    assert gw("stuck").code == Exit.DONE
    ids = troubled(context, platform)
    assert gw("batch", "suspend", ids[0], "--reason", "核对").code == Exit.DONE
    stuck = gw("stuck", "--why", "--json")
    assert stuck.code == Exit.PARTLY
    (line,) = stuck.json
    assert (line["what"], line["state"], line["owner"], line["ids"]) == ("batch", "SUSPENDED", "operator", [ids[0]])
    assert "挂起" in line["why"]
    assert "gw batch resume" in gw("stuck", "--why").out
    assert "operator" in gw("--lang", "en", "stuck", "--why").out

    command = line["command"].replace("…", "核对完毕").split()[1:]
    assert gw(*command).code == Exit.DONE
    clock.shift -= timedelta(hours=1)
    assert gw("stuck", "--json").json == []
    unpushed = stuck_now(context.store, context.clock() + timedelta(hours=2))
    assert {(late.code, late.command) for late in unpushed} >= {(None, "gw push")}  # that hold is over
    assert "batch.held" not in {late.code for late in unpushed}


def test_a_suspended_target_is_told_by_its_cause(gw: Operator, context: Context, platform: RunningPlatform) -> None:
    fill(context, [service(1)])
    platform.admin.fault("auth", code="auth.signature", call="batches")
    push(context, "national")
    lines = gw("stuck", "--json").json
    assert {(line["what"], line["code"], line["owner"]) for line in lines} == {
        ("target", "auth.signature", "key_owner"),
        ("batch", "auth.signature", "key_owner"),
    }
    assert {line["command"] for line in lines} == {"gw target resume national --reason …"}
    checked = gw("target", "check", "--json")
    assert checked.code == Exit.MISCONFIGURED
    assert {line["step"]: line["ok"] for line in checked.json} == {
        "standing": False,
        "own_keys": True,
        "ping": True,
        "platform_keys": True,
        "sequence": True,
    }


def test_a_window_by_command(gw: Operator, context: Context, platform: RunningPlatform) -> None:
    fill(context, [service(1)])
    window = ("target", "maintenance", "national")
    assert gw(*window, "--json").json["maintenance"] is None
    assert gw(*window, "--until", "tomorrow", "--reason", "升级", "--json").json["error"] == "cli.time_invalid"
    assert gw(*window, "--until", "2099-01-01T06:00", "--reason", "升级").code == Exit.DONE
    assert push(context, "national").sealed == 0
    assert "2099" in gw(*window, "--json").json["maintenance"]["end"]
    for unclear in (("--from", "2099-01-01T05:00"), ("--end", "--until", "2099-01-01T07:00")):
        assert gw(*window, *unclear, "--reason", "改期", "--json").json["error"] == "cli.window_unclear"
    for beyond in (("--from", "0001-01-01"), ("--until", "9999-12-31T23:59+00:00")):
        told = gw(*window, "--until", "2099-01-02", *beyond, "--reason", "改期", "--json").json
        assert told["error"] == "cli.time_invalid"
    assert "2099-01-01" in gw(*window, "--json").json["maintenance"]["end"]
    for name, error in (("nationl", "target.unknown"), ("hotline", "target.not_a_receiver")):
        for command in (("maintenance", name), ("ping", name), ("check", name)):
            refused = gw("target", *command, "--json")
            assert (refused.code, refused.json["error"]) == (Exit.MISCONFIGURED, error)
    assert gw(*window, "--end", "--reason", "提前结束").code == Exit.DONE
    assert push(context, "national").acknowledged == 1


def test_a_restore_takes_the_original_file_only(
    gw: Operator, context: Context, platform: RunningPlatform, tmp_path: Path
) -> None:
    (batch_id, *_) = troubled(context, platform)
    file = tmp_path / "batch.hcpb"
    file.write_bytes(b"something else")
    restore = ("batch", "restore", batch_id, "--json", "--from", str(file))
    refused = gw(*restore, "--reason", "备份")
    assert refused.json["error"] == "batch.act_unfit"

    with context.store.begin() as transaction:
        original = bodies.read(transaction, batch_id)
        bodies.replace(transaction, batch_id, original[:-1])
    assert gw("batch", "retry", batch_id, "--reason", "平台已恢复").code == Exit.DONE
    push(context, "national")
    (line,) = gw("stuck", "--json").json
    assert (line["state"], line["code"]) == ("INTERRUPTED", "batch.damaged")  # not what the platform said before
    assert "摘要不符" in line["why"]
    assert f"gw batch restore {batch_id[:12]}" in gw("status").out
    assert "可用的操作：restore\n" in gw("batch", "show", batch_id).out  # not cancel: it may have arrived
    for wrong in (restore, restore[:-2]):
        dry = gw(*wrong, "--dry-run")
        (one,) = dry.json["batches"]
        assert (dry.code, one["result"], one["code"]) == (Exit.PARTLY, "refused", "batch.bytes_differ")
    file.write_bytes(original)
    assert gw(*restore, "--dry-run", "--rate", "1").json["done"] == 1
    assert gw(*restore, "--reason", "备份").code == Exit.DONE
    push(context, "national")
    assert gw("stuck").code == Exit.DONE


def test_a_second_person_is_another_one(gw: Operator, context: Context, platform: RunningPlatform) -> None:
    ids = troubled(context, platform)
    asked = gw("batch", "retry", *ids[:2], "--reason", "恢复", "--json", GW_SECOND_PERSON_ABOVE="1")
    assert asked.code == Exit.PARTLY
    approval = asked.json["approval_id"]
    assert gw("batch", "approve", "--json").json[0]["approval_id"] == approval
    assert gw("batch", "approve", approval, "--reason", "同意", "--json").json["error"] == "act.same_person"
    assert gw("batch", "approve", "00", "--reason", "同意", "--json").json["error"] == "act.approval_unknown"
    assert [line["what"] for line in gw("stuck", "--json").json] == ["approval"]
