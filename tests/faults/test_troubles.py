"""Each trouble is told with what to do, costs its neighbours nothing, and heals by itself or by the named act."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from gateway.console.app import create_app
from gateway.domain.breaker import OPEN_FOR
from tests.deployment import Deployment, Ran, deployment
from tests.faults.forked import begin, end
from tests.faults.invariants import violations
from tests.integration.console.conftest import GUARDS, HOST, TestClient

RECORDS = 300
SEED = 20261122
DONE, PARTLY = 0, 3
PATIENCE = 30.0
SOURCES = {"portal": "portal_guangan", "app": "app_guangan", "kiosk": "kiosk_guangan", "hotline": "hotline_guangan"}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Deployment]:
    with deployment(tmp_path / "var", records=RECORDS, seed=SEED, batch_records=1000) as running:
        yield running


def line(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The source or target of that name in a status."""
    (one,) = (each for each in found if name in (each.get("source_id"), each.get("target_id")))
    return one


def is_told(subject: dict[str, Any], state: str, code: str, *words: str) -> None:
    """State and code, and in both languages a sentence that holds the words and no gap."""
    assert (subject["state"], subject["error_code"]) == (state, code)
    for lang in ("zh", "en"):
        sentence = subject["error_text"][lang]
        assert len(sentence) > 20
        assert not re.search(r"\{\w+\}", sentence), sentence
    assert all(word in subject["error_text"]["zh"] for word in words), subject["error_text"]["zh"]


def sent(town: Deployment, name: str) -> Counter[str]:
    """The truth of one source, counted by verdict."""
    return Counter(told["verdict"] for told in town.sandbox.truth if told["source"] == SOURCES[name])


def is_complete(town: Deployment, status: Ran, *names: str) -> None:
    """These sources' figures hold every record that was sent."""
    for name in names:
        figures, verdicts = line(status.said["sources"], SOURCES[name]), sent(town, name)
        assert figures["state"] == "ok"
        assert figures["landed"] >= verdicts.total()
        assert figures["stored"] == verdicts["good"] + verdicts["unrated"]
        assert figures["quarantined"] == verdicts["wrong"]


def run_until(town: Deployment, code: int) -> Ran:
    """Cycles until one ends with ``code``: waits are fractions of a second here."""
    deadline = time.monotonic() + PATIENCE
    while (ran := town.gw("run")).code != code:
        assert time.monotonic() < deadline, ran.said
    return ran


def all_is_well(town: Deployment) -> None:
    """Nothing lost, nothing twice, nothing left to tell."""
    town.tick(12)
    town.until_quiet()
    status = town.gw("status")
    assert status.code == DONE, status.said
    is_complete(town, status, *SOURCES)
    assert violations(town) == {}
    for kind, wanted in (("service", "service"), ("evaluation", "evaluation")):
        effects = town.effects(kind)
        good = [told for told in town.sandbox.truth if told["verdict"] in ("good", "unrated") and told[wanted]]
        assert {effect["times"] for effect in effects} == {1}
        assert len(effects) == len({json.dumps(told[wanted], sort_keys=True) for told in good})
    assert {order["created"] for order in town.orders().values()} == {1}
    negative = town.count("SELECT COUNT(*) FROM ledger_record WHERE kind = 'evaluation' AND satisfaction <= 2")
    assert len(town.orders()) == negative > 0


def test_the_platform_is_down_for_a_while(town: Deployment) -> None:
    town.sandbox.kill("national")
    ran = town.gw("run")
    assert ran.code == PARTLY
    assert {"target_failing", "batch_retry"} & {wait["code"] for wait in ran.said["waiting"]}
    status = town.gw("status")
    assert status.code == PARTLY
    is_told(line(status.said["targets"], "national"), "failing", "net.connect_refused", "国家平台", "自动重试")
    assert {batch["state"] for batch in status.said["batches"]} == {"RETRY_WAIT"}
    assert not [text for batch in status.said["batches"] for text in batch["failure_text"].values() if "{" in text]
    assert status.said["totals"]["unsent"] == status.said["totals"]["ledger"] > 0
    is_complete(town, status, *SOURCES)  # neighbours: every source is in, every order out
    assert len(town.orders()) == status.said["totals"]["orders"]
    assert status.said["totals"]["orders_waiting"] == 0
    town.sandbox.restart("national")
    run_until(town, DONE)
    assert town.gw("status").said["totals"]["unsent"] == 0
    all_is_well(town)


def page(town: Deployment) -> str:
    """The operations page, as plain words."""
    context = town.open()
    try:
        with TestClient(create_app(lambda: context, GUARDS), base_url=HOST) as browser:
            html = browser.get("/", headers={"x-user": "viewer"}).text
    finally:
        context.store.close()
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def test_a_platform_that_stays_away_is_left_alone_for_a_minute_and_then_tried_again(tmp_path: Path) -> None:
    with deployment(tmp_path / "var", records=RECORDS, seed=SEED, batch_records=50) as town:
        town.sandbox.kill("national")
        assert town.gw("run").code == PARTLY
        national = line(town.gw("status").said["targets"], "national")
        is_told(national, "open", "net.connect_refused", "国家平台")
        attempts = town.count("SELECT SUM(attempts) FROM batch")
        assert town.gw("run").code == PARTLY
        assert town.count("SELECT SUM(attempts) FROM batch") == attempts  # none is used up while it is open (I7)
        town.sandbox.restart("national")
        assert town.gw("run").code == PARTLY
        assert town.batches_there() == []  # the minute is not over, though the platform is back
        assert end(begin(town, "run", shift=OPEN_FOR.total_seconds() + 1)) == DONE
        assert line(town.gw("status").said["targets"], "national")["state"] == "ok"
        all_is_well(town)


def test_12345_answers_with_an_html_page(town: Deployment) -> None:
    town.sandbox.desks["hotline"].fault("502", match="createOrder")
    ran = town.gw("run")
    assert ran.code == PARTLY
    assert "HTTP 502" in ran.step("dispatch", "hotline")["message"]
    status = town.gw("status")
    assert status.code == PARTLY
    is_told(line(status.said["targets"], "hotline"), "failing", "soap.status", "HTTP 502")
    assert status.said["totals"]["orders_waiting"] == status.said["totals"]["orders"] > 0
    is_complete(town, status, *SOURCES)  # its own ratings too
    assert status.said["totals"]["unsent"] == 0
    assert town.orders() == {}
    town.sandbox.desks["hotline"].mend()
    run_until(town, DONE)
    assert line(town.gw("status").said["targets"], "hotline")["state"] == "ok"
    assert {(order["created"], order["create_calls"]) for order in town.orders().values()} == {(1, 1)}
    all_is_well(town)


def test_12345_creates_but_its_answers_are_lost(town: Deployment) -> None:
    """Three calls in a row unanswered: it is left alone for this cycle, and tracking adopts what had arrived."""
    town.sandbox.desks["hotline"].fault("lose_reply", match="createOrder")
    ran = town.gw("run")
    assert ran.code == PARTLY
    assert ran.step("dispatch", "hotline")["error"] == "soap.no_answer"
    assert ran.step("track", "hotline")["counts"]["adopted"] == len(town.orders()) == 3
    town.sandbox.desks["hotline"].mend()
    run_until(town, DONE)
    all_is_well(town)


def test_a_kiosk_file_is_half_written(town: Deployment) -> None:
    name = town.sandbox.desks["kiosk"].post("/sandbox/half")["name"]
    ran = town.gw("run")
    assert ran.code == PARTLY
    assert ran.step("pull", SOURCES["kiosk"])["counts"]["unfinished"] == 1
    status = town.gw("status")
    assert status.code == PARTLY
    kiosk = line(status.said["sources"], SOURCES["kiosk"])
    is_told(kiosk, "waiting", "source.unfinished", name, "自动采集")
    assert kiosk["error_text"]["zh"] in page(town)
    assert 0 < kiosk["landed"] < sent(town, "kiosk").total()  # its other files are in
    is_complete(town, status, "portal", "app", "hotline")
    assert status.said["totals"]["unsent"] == 0
    town.sandbox.desks["kiosk"].post("/sandbox/complete")
    assert town.gw("run").code == DONE
    assert name not in page(town)
    all_is_well(town)


def test_a_source_answers_401(town: Deployment) -> None:
    town.sandbox.desks["portal"].fault("401")
    ran = town.gw("run")
    assert ran.code == PARTLY
    assert ran.step("pull", SOURCES["portal"])["error"] == "net.unauthorised"
    status = town.gw("status")
    assert status.code == PARTLY
    portal = line(status.said["sources"], SOURCES["portal"])
    is_told(portal, "suspended", "net.unauthorised", "401", "请核对")
    assert portal["error_text"]["zh"] in page(town)
    is_complete(town, status, "app", "kiosk", "hotline")
    assert status.said["totals"]["unsent"] == 0
    asked = Counter(town.sandbox.desks["portal"].oracle()["requests"])
    assert town.gw("run").code == PARTLY
    assert Counter(town.sandbox.desks["portal"].oracle()["requests"]) == asked  # suspended: nobody knocks again
    town.sandbox.desks["portal"].mend()
    resumed = town.gw("source", "resume", SOURCES["portal"], "--reason", "secret renewed")
    assert (resumed.code, resumed.said["resumed"]) == (DONE, True)
    assert town.gw("run").code == DONE
    assert town.rows("SELECT act, object_id, reason FROM audit_event") == [
        ("source.resume", SOURCES["portal"], "secret renewed")
    ]
    all_is_well(town)


def test_a_token_that_is_revoked_in_the_middle_is_renewed_without_anybody(town: Deployment) -> None:
    town.sandbox.desks["portal"].fault("401", times=1, match="/api/evaluations")
    assert town.gw("run").code == DONE
    is_complete(town, town.gw("status"), *SOURCES)


def test_a_record_that_spoils_its_batch_is_let_out_of_quarantine_and_arrives(town: Deployment) -> None:
    spoilt = next(told["service"] for told in town.sandbox.truth if told["verdict"] == "good")
    key = f"{spoilt['projectNo']}#{spoilt['serviceNumber']}"
    fault = {"fault": "poison", "key": key, "code": "batch.malformed", "times": None}
    town.sandbox.desks["national"].post("/sandbox/faults", fault)
    assert town.gw("run").code == PARTLY
    refused = town.gw("status").said
    assert refused["totals"]["acknowledged"] > 0
    assert key not in {effect["key"] for effect in town.effects("service")}
    assert violations(town) == {}

    rehearsed = town.gw("quarantine", "replay", "--code", "batch.malformed").said
    assert rehearsed["passing"] == rehearsed["total"] == 1
    town.sandbox.desks["national"].mend()
    (wait,) = town.gw("push").said["waiting"]
    assert (wait["code"], wait["count"]) == ("batch_refused", 1)  # not those that were halved on the way to it
    assert len(town.gw("quarantine", "list", "--code", "batch.malformed").said) == 1
    town.gw("quarantine", "replay", "--code", "batch.malformed", "--yes", "--reason", "平台已修复")
    town.until_quiet()
    assert town.gw("push").code == DONE  # what was refused once is nobody's to do any more
    after = town.gw("status").said
    assert (after["totals"]["unsent"], after["totals"]["batches_failed"]) == (0, 0)
    is_complete(town, town.gw("status"), *SOURCES)
    assert violations(town) == {}
    for kind in ("service", "evaluation"):
        effects = town.effects(kind)
        good = [told for told in town.sandbox.truth if told["verdict"] in ("good", "unrated") and told[kind]]
        assert {effect["times"] for effect in effects} == {1}
        assert {effect["key"] for effect in effects} == {
            row for (row,) in town.rows("SELECT DISTINCT record_key FROM ledger_record WHERE kind = :kind", kind=kind)
        }
        assert len(effects) == len({json.dumps(told[kind], sort_keys=True) for told in good})
    assert {order["created"] for order in town.orders().values()} == {1}
