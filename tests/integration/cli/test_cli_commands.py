"""Every command on a deployment whose sandbox went through a cycle: as tables, as JSON, in both languages."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import chain

import pytest

from tests.integration.cli.conftest import Town

SOURCES = ("app_guangan", "hotline_guangan", "kiosk_guangan", "portal_guangan")
READING = [
    ("status",),
    ("doctor",),
    ("batch", "list"),
    ("batch", "list", "--state", "failed"),
    ("order", "list", "--limit", "5"),
    ("order", "list", "--overdue"),
    ("quarantine", "list"),
    ("quarantine", "list", "--code", "item.unknown"),
    ("quarantine", "replay"),
    ("source", "list"),
    ("source", "check"),
    ("source", "try", "portal_guangan"),
    ("target", "list"),
    ("target", "ping"),
    ("audit", "list"),
    ("keys", "list"),
    ("normalise",),
    ("reconcile",),
]
CJK = re.compile("[\u4e00-\u9fff]")


def test_a_whole_cycle_tells_its_steps_and_ends_well(town: Town) -> None:
    assert town.first.code == 0
    assert town.first.err == ""
    for source in SOURCES:
        assert re.search(rf"✓ 采集落地 {source}：页 \d+", town.first.out)
    assert "✗" not in town.first.out
    assert re.search(r"✓ 派发工单 hotline：到期 43 · 已派 43", town.first.out)
    assert re.search(r"✓ 对账 national：批次对平 [1-3]", town.first.out)


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_json_stands_alone_on_stdout(town: Town, command: tuple[str, ...]) -> None:
    for ran in (town.gw(*command, "--json"), town.gw("--lang", "en", *command, "--json")):
        json.loads(ran.out)
        assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_tables_speak_the_chosen_language(town: Town, command: tuple[str, ...]) -> None:
    chinese, english = town.gw(*command), town.gw("--lang", "en", *command)
    assert (chinese.code, english.code) == (0, 0)
    assert CJK.search(chinese.out)
    assert chinese.out != english.out


def test_the_environment_chooses_the_language_too(town: Town) -> None:
    assert town.gw("source", "list", GW_LANG="en").out == town.gw("--lang", "en", "source", "list").out
    assert town.gw("--lang", "zh", "source", "list", GW_LANG="en").out == town.gw("source", "list").out


def test_a_list_without_lines_says_so(town: Town) -> None:
    assert "（没有）" in town.gw("batch", "list", "--state", "failed").out
    assert "(none)" in town.gw("--lang", "en", "order", "list", "--overdue").out
    assert town.gw("batch", "list", "--state", "failed", "--json").json == []


def test_what_waits_for_nobody_here_is_told_and_no_failure(town: Town) -> None:
    ran = town.gw("run", "--json")
    assert ran.code == 0
    assert [(wait["code"], wait["noted"]) for wait in ran.json["waiting"]] == [("quarantine", True)]


def test_a_batch_by_its_first_characters(town: Town) -> None:
    batches = town.gw("batch", "list", "--json").json
    for batch in batches:
        shown = town.gw("batch", "show", batch["batch_id"][:12], "--json")
        assert shown.json["line"]["batch_id"] == batch["batch_id"]
    assert "✓" not in town.gw("batch", "show", batches[0]["batch_id"][:8]).out


def test_an_order_by_any_of_its_numbers(town: Town) -> None:
    order = town.gw("order", "list", "--limit", "1", "--json").json[0]
    for number in (order["order_id"], order["external_id"], order["remote_no"]):
        assert town.gw("order", "show", number, "--json").json["order"]["order_id"] == order["order_id"]


def test_acts_need_a_reason_and_are_audited(town: Town) -> None:
    batch = town.gw("batch", "list", "--json").json[0]["batch_id"]
    for act in (
        ("batch", "retry", batch),
        ("target", "resume", "national"),
        ("source", "resume", "app_guangan"),
        ("quarantine", "replay", "--code", "item.unknown", "--yes"),
    ):
        for empty in ((), ("--reason", "  ")):
            refused = town.gw(*act, *empty, "--json")
            assert (refused.code, refused.json["error"]) == (4, "act.reason_missing")
    assert town.gw("source", "resume", "app_guangan", "--reason", "巡检").code == 0
    assert town.gw("quarantine", "replay", "--code", "item.unknown", "--yes", "--reason", "补了事项").code == 0
    acts = town.gw("audit", "list", "--json").json
    assert [(act["act"], act["object_id"], act["reason"]) for act in acts[:2]] == [
        ("quarantine.replay", "item.unknown", "补了事项"),
        ("source.resume", "app_guangan", "巡检"),
    ]
    assert acts[0]["actor"].startswith("cli:")
    assert "补了事项" in town.gw("audit", "list").out


def test_no_command_shows_a_person(town: Town) -> None:
    """The truth names everybody; nobody of them is on any screen."""
    truth = [json.loads(line) for line in (town.folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    persons = {
        str(event["service"].get(field, ""))
        for event in truth
        if event.get("service")
        for field in ("userName", "mobile", "certKey", "certKeyGOV", "handleUserName", "handleUserPageCode")
    }
    persons = {value for value in persons if len(value) > 2}
    assert len(persons) > 500
    records = [
        f"{one['page_id']}:{one['page_index']}"
        for reason in ("identity.check_digit", "field.type", "field.required", "field.length")
        for one in town.gw("quarantine", "list", "--code", reason, "--json").json
    ]
    batch = town.gw("batch", "list", "--json").json[0]["batch_id"]
    orders = [order["remote_no"] for order in town.gw("order", "list", "--json").json]
    commands = [
        *(command for command in READING if command != ("source", "check")),
        *(("source", "try", source) for source in SOURCES),
        *(("quarantine", "show", record) for record in dict.fromkeys(records)),
        ("batch", "show", batch),
        *(("order", "show", number) for number in orders[:3]),
        ("audit", "list"),
    ]
    screens = "\n".join(
        chain.from_iterable((town.gw(*command).out, town.gw(*command, "--json").out) for command in commands)
    )
    assert "*" in screens
    assert {person for person in persons if person in screens} == set()


def test_no_line_is_wider_than_a_pipe_reader_expects_of_one_record(town: Town) -> None:
    """In a pipe every row is one line, whatever its width."""
    rows = town.gw("order", "list", "--limit", "7").out.splitlines()
    assert len([row for row in rows if row.startswith("GA")]) == 7


def test_a_reader_that_goes_away_gets_no_traceback(town: Town) -> None:
    process = town.gw.popen("order", "list", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert said == b""


def test_log_lines_only_when_asked_for(town: Town) -> None:
    assert town.gw("pull").err == ""
    assert town.gw("--verbose", "pull", "--json").json["steps"][0]["stage"] == "pull"
