"""From the guide alone: every kind from nothing to the national platform, with YAML only; nothing leaves before that.

The tests of this file tell one story in order: draft, dry run, shadow, gates, live.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.bootstrap import open_context
from gateway.domain.moments import SHANGHAI
from gateway.onboarding.shadow import compare_daily
from gateway.settings import load
from gateway.stages.context import system_clock
from sandbox.generator.files import read_truth
from sandbox.pusher import batch, records
from tests.integration.onboarding.conftest import HALL, SOURCES, County

PULLED = [source for source in SOURCES if source != "qu_push"]
NEVER = ("ledger_record", "work_order", "batch", "quarantine", "duplicate")


def in_the_ledger(county: County) -> int:
    return sum(int(str(county.rows(f"SELECT count(*) FROM {table}")[0][0])) for table in NEVER)


@pytest.mark.parametrize("source", SOURCES)
def test_a_scaffold_waits_for_decisions_and_then_passes_every_check(county: County, source: str) -> None:
    made = county.scaffold(source)
    assert made["undecided"] >= 1
    assert made["sure"] >= 20
    unfinished = county.gw("source", "check", source, "--offline", "--json")
    assert unfinished.code == 5
    assert {line["step"] for line in unfinished.json[source]} == {"undecided"}
    county.decide(source)
    checked = county.gw("source", "check", source, "--json")
    assert checked.code == 0, checked.out
    covered = county.gw("source", "coverage", source, "--json")
    assert (covered.code, covered.json["lacking"]) == (0, [])
    again = county.gw(*["source", "new", source, "--kind", "rest", "--name", "a", "--owner", "a", "--region", "511602"])
    assert again.code == 4
    assert "source.exists" in again.err


def test_the_hotline_that_dispatch_knows_needs_less_said_and_brings_the_same(county: County) -> None:
    county.scaffold("qu_12345")
    county.decide("qu_12345")
    assert county.gw("source", "check", "qu_12345", "--json").code == 0
    assert county.gw("source", "coverage", "qu_12345", "--json").json["lacking"] == []
    ours, soap = (
        county.gw("source", "dry-run", source, "--day", "2026-01-01", "--json").json
        for source in ("qu_12345", "qu_hotline")
    )
    assert ours["landed"] == soap["landed"] > 0
    assert ours["refused"] == soap["refused"]
    county.file("qu_12345").unlink()  # the same ratings come by qu_hotline


@pytest.mark.parametrize("source", ["qu_portal", "qu_hotline"])
def test_a_try_shows_masked_calls_and_mapped_records(county: County, source: str) -> None:
    tried = county.gw("source", "try", source, "--json")
    assert tried.code == 0
    assert tried.json["pass"] > 0
    assert tried.json["calls"][0]["answer"]["status"] == 200
    told = tried.out + county.gw("source", "try", source).out
    connection = load({"GW_VAR": str(county.gw.var)}).connection(source.removeprefix("qu_"))
    assert connection.password.get_secret_value() not in told
    assert [person for person in persons(county) if person in told] == []


def refusable(county: County, source: str, landed: int) -> float:
    """How many may be refused at most. Of files only the first is taken, it may be short: its truth is counted."""
    if source != "qu_kiosk":
        return landed / 5
    sent = [told["verdict"] for told in read_truth(county.gw.var / "sandbox") if told["source"] == "kiosk_guangan"]
    return sent[:landed].count("wrong")


@pytest.mark.parametrize("source", PULLED)
def test_a_draft_is_not_pulled_and_a_dry_run_leaves_no_trace(county: County, source: str) -> None:
    refused = county.gw("pull", source, "--json")
    assert refused.json["steps"][0]["error"] == "source.not_pulled"
    dropped = sorted(path.name for path in (county.gw.var / "sandbox" / "data" / "kiosk").rglob("*"))
    day = () if source == "qu_kiosk" else ("--day", "2026-01-01")  # files are taken up to the day
    dry = county.gw("source", "dry-run", source, *day, "--json")
    assert dry.code in (0, 3)
    assert dry.json["landed"] > 0
    assert dry.json["report"]["facts"]["intake"]["landed"] == dry.json["landed"]
    causes = [(one["code"], one["fields"], one["samples"][:2]) for one in dry.json["report"]["facts"]["problems"]]
    assert dry.json["refused"] <= refusable(county, source, dry.json["landed"]), causes
    assert in_the_ledger(county) == 0
    assert county.rows(f"SELECT * FROM raw_page WHERE source_id = '{source}'") == []
    assert county.rows(f"SELECT * FROM source_state WHERE source_id = '{source}'") == []
    assert sorted(path.name for path in (county.gw.var / "sandbox" / "data" / "kiosk").rglob("*")) == dropped


def test_in_the_shadow_everything_is_landed_and_counted_and_nothing_leaves(county: County) -> None:
    for source in SOURCES:
        started = county.gw("source", "shadow", source, "--json")
        assert started.json["started"] is True
    push(county)
    ran = county.gw("run", "--json")
    assert ran.code == 0
    compared = {step["subject"]: step["counts"]["compared"] for step in ran.json["steps"] if step["stage"] == "shadow"}
    assert compared.keys() == set(SOURCES)
    assert min(compared.values()) > 0
    day = {source: county.gw("source", "shadow", source, "--json").json["days"] for source in SOURCES}
    for source, days in day.items():
        received = [line for line in days if line["pages"]]
        assert len(received) == 1, source
        line = received[0]
        assert line["landed"] == line["stored"] + line["quarantined"] + line["duplicate"] > 0
        assert sum(one["evaluations"] for one in days) <= line["landed"]
    assert in_the_ledger(county) == 0
    assert {life["life"] for life in county.gw("source", "list", "--json").json} == {"shadow"}


def test_a_county_s_own_count_is_set_beside_ours(county: County) -> None:
    ours = county.gw("source", "shadow", "qu_kiosk", "--json").json["days"][0]
    told = f"{ours['day']}={ours['evaluations']}"
    agreed = county.gw("source", "shadow", "qu_kiosk", "--count", told, "--json")
    assert (agreed.code, agreed.json["days"][0]["agrees"]) == (0, True)
    differing = county.gw("source", "shadow", "qu_kiosk", "--count", f"{ours['day']}=9999", "--json")
    assert (differing.code, differing.json["days"][0]["agrees"]) == (3, False)
    assert county.gw("source", "shadow", "qu_kiosk", "--count", "gestern=1").code == 4
    county.gw("source", "shadow", "qu_kiosk", "--count", told)


def test_a_schedule_compares_once_a_day(county: County) -> None:
    context = open_context(load(county.gw.environment))
    try:
        assert compare_daily(context, "qu_kiosk").compared == 0
        tomorrow = replace(context, clock=lambda: system_clock() + timedelta(days=1))
        assert compare_daily(tomorrow, "qu_kiosk").compared > 0
    finally:
        context.store.close()


def test_gates_keep_a_source_out_until_they_pass_or_a_person_says_why(county: County) -> None:
    looked = county.gw("source", "go-live", "qu_hotline", "--yes", "--json")
    assert looked.code == 5
    gates = {gate["name"]: gate for gate in looked.json["gates"]}
    assert [name for name, gate in gates.items() if not gate["passed"]] == ["shadow"]
    assert gates["shadow"]["code"] == "source.shadow_short"
    unexplained = county.gw("source", "go-live", "qu_hotline", "--without", "shadow", "--yes", "--json")
    assert unexplained.json["error"] == "act.reason_missing"
    assert county.gw("source", "go-live", "qu_hotline", "--without", "sleep").code == 4
    enough = county.gw("source", "go-live", "qu_hotline", "--json", GW_SHADOW_DAYS="1")
    assert (enough.code, enough.json["ready"], enough.json["live"]) == (0, True, False)
    changed = county.file("qu_hotline").read_text(encoding="utf-8")
    county.file("qu_hotline").write_text(changed.replace("value: agent_recorded", "value: unknown"), encoding="utf-8")
    stale = county.gw("source", "go-live", "qu_hotline", "--json", GW_SHADOW_DAYS="1").json["gates"]
    assert [gate["code"] for gate in stale][2:] == ["source.dry_run_missing", "source.shadow_stale"]
    county.file("qu_hotline").write_text(changed, encoding="utf-8")
    assert in_the_ledger(county) == 0


def test_live_they_all_arrive_at_the_platform_once(county: County) -> None:
    for source in SOURCES:
        without = [word for gate in ("dry_run", "shadow") for word in ("--without", gate)]
        ran = county.gw("source", "go-live", source, *without, "--yes", "--reason", "沙箱演示", "--json")
        assert (ran.code, ran.json["live"]) == (0, True), ran.out
    county.gw("run")
    sources = {str(row[0]) for row in county.rows("SELECT DISTINCT source_id FROM ledger_record")}
    assert sources >= set(SOURCES)
    status = county.gw("status", "--json").json["totals"]
    assert status["ledger"] == status["delivered"] > 0
    acts = {(act["act"], act["object_id"]): act for act in county.gw("audit", "list", "--json").json}
    assert acts["source.go_live", "qu_portal"]["outcome"].startswith("waived:")
    assert acts["source.go_live", "qu_portal"]["reason"] == "沙箱演示"


def test_a_pause_stops_pulling_until_it_is_resumed(county: County) -> None:
    assert county.gw("source", "pause", "qu_front", "--reason", "演练").code == 0
    assert county.gw("pull", "qu_front", "--json").json["steps"][0]["error"] == "source.not_pulled"
    assert all(step["subject"] != "qu_front" for step in county.gw("pull", "--json").json["steps"])
    assert county.gw("source", "pause", "qu_front", "--reason", "演练", "--json").json["error"] == "source.no_such_turn"
    assert county.gw("source", "resume", "qu_front", "--reason", "演练", "--json").json["resumed"] is True
    assert "error" not in county.gw("pull", "qu_front", "--json").json["steps"][0]


def test_a_cursor_is_moved_with_a_warning_and_a_trail_and_doubles_nothing(county: County) -> None:
    before = county.rows("SELECT count(*) FROM ledger_record")
    held = county.gw("source", "cursor", "show", "qu_portal", "--json").json["cursor"]
    warned = county.gw("source", "cursor", "set", "qu_portal", "start", "--json")
    assert (warned.json["moved"], warned.json["before"]) == (False, held)
    assert county.gw("source", "cursor", "show", "qu_portal", "--json").json["cursor"] == held
    moved = county.gw("source", "cursor", "set", "qu_portal", "start", "--yes", "--reason", "补采", "--json")
    assert moved.json["moved"] is True
    assert county.gw("source", "cursor", "set", "qu_portal", "yesterday").code == 4
    county.gw("pull", "qu_portal")
    assert county.rows("SELECT count(*) FROM ledger_record") == before
    shown = county.gw("source", "cursor", "show", "qu_portal", "--json").json
    assert shown["cursor"] is not None
    assert "补采" in shown["moves"][0]["reason"]


@pytest.mark.parametrize("source", SOURCES)
def test_diagnostics_hold_no_personal_data_and_no_secret(county: County, source: str) -> None:
    file = county.samples / f"{source}.zip"
    text = county.file(source).read_text(encoding="utf-8")
    if "envelope:" in text:  # a county that wrote a secret where none belongs
        planted = text.replace(
            "  envelope:", "  headers: {X-Key: planted-secret}\n  params: {pwd: planted-secret}\n  envelope:"
        )
        county.file(source).write_text(planted, encoding="utf-8")
    assert county.gw("source", "diagnostics", source, "--out", str(file)).code == 0
    county.file(source).write_text(text, encoding="utf-8")
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
        told = {name: archive.read(name).decode() for name in archive.namelist()}
    everything = "".join(told.values())
    settings = load(county.gw.environment)
    secrets = {one.password.get_secret_value() for one in settings.connections.values()} - {"", "sqlite"}
    assert [word for word in (*secrets, HALL, "planted-secret", *persons(county)) if word in everything] == []
    assert {"about.json", "source.json", "state.json", "counts.json", "gates.json"} <= set(told)
    assert json.loads(told["state.json"])["life"]["life"] == "live"
    assert [name for name, text in told.items() if "error" in json.loads(text)] == []


def persons(county: County) -> set[str]:
    """Everything personal that the sandbox's sources hold: names, numbers, phones, words."""
    found = set()
    for line in (county.gw.var / "sandbox" / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        truth = json.loads(line)
        record = {**truth["service"], **(truth["evaluation"] or {})}
        found |= {str(record[name]) for name in ("userName", "mobile", "certKeyGOV", "certKey") if record.get(name)}
    return {one for one in found if len(one) > 2}


def push(county: County) -> None:
    """What a sender pushes, landed by the inbox's own desk and judged as ``gw serve`` judges it."""
    from sandbox.pusher import Pusher, hmac_sm3
    from tests.integration.onboarding.serving import served

    with served(county.gw) as url:
        sender = Pusher(url, "qu_push", "hall-01", "2026a", hmac_sm3(HALL))
        answer = sender.push(batch(list(records(12, 99))), f"day-{datetime.now(SHANGHAI):%Y%m%d}")
        assert answer.status_code == 202, answer.text
        assert answer.json()["code"] == "source.not_live"
        sender.session.close()
