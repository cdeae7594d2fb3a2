"""The whole way through Airflow: pull, dispatch, push, track, reconcile as DAG runs, to the platform's own books."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import ROOT, AirflowHome
from tests.deployment import Deployment, deployment

pytestmark = pytest.mark.airflow
RECORDS = 300
PULLS = ["pull_app_guangan", "pull_hotline_guangan", "pull_kiosk_guangan", "pull_portal_guangan"]
KINDS = ("service", "evaluation", "rectification")
Played = dict[str, Any]


def play(airflow: AirflowHome, town: Deployment, steps: Iterable[str]) -> Played:
    """The runs, their tasks and XComs; ``log``: every line that Airflow wrote."""
    gateway = {name: value for name, value in town.environment().items() if name.startswith("GW_")}
    told = airflow.python("tests.acceptance.play_dags", str(ROOT / "dags"), *steps, **gateway)
    line = next(line for line in told.splitlines() if line.startswith("PLAYED "))
    found: Played = json.loads(line.removeprefix("PLAYED "))
    return found | {"log": told}


def numbers_only(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and numbers_only(held) for name, held in value.items())
    return isinstance(value, int)


def test_every_record_arrives_through_the_dags(airflow_home: AirflowHome, tmp_path: Path) -> None:
    with deployment(tmp_path / "var", records=RECORDS, seed=11) as town:
        tick = f"TICK:{town.sandbox.desks['hotline'].url}/sandbox/tick"
        town.sandbox.desks["portal"].fault("401", times=1)
        resume = "GW:source resume portal_guangan --reason new-password"
        steps = ["pull_portal_guangan", resume, *PULLS, "dispatch", "push", tick, "track", "push", "reconcile"]

        played = play(airflow_home, town, [*steps, "pull_app_guangan"])

        failed, *runs, again = played["runs"]
        assert failed["state"] == "failed"
        assert failed["tasks"]["pull_and_land"] == {"state": "failed", "try": 1}  # nobody waits in vain
        assert {run["state"] for run in runs} == {"success"}
        assert again["tasks"]["normalise_landed"]["state"] == "skipped"  # nothing new: push is not started
        ledger = town.rows("SELECT kind, record_key, version FROM ledger_record ORDER BY 1, 2, 3")
        there = [(kind, one["key"], one["version"]) for kind in KINDS for one in town.effects(kind)]
        assert len(ledger) > RECORDS
        assert sorted(there) == ledger
        assert {one["times"] for kind in KINDS for one in town.effects(kind)} == {1}
        assert not town.waiting()
        assert town.count("SELECT COUNT(*) FROM reconciliation WHERE equal = 0") == 0
        assert town.count("SELECT SUM(landed) FROM raw_page") == RECORDS
        assert {xcom["dag"] for xcom in played["xcoms"]} >= {*PULLS, "dispatch", "push", "track", "reconcile"}
        assert [xcom for xcom in played["xcoms"] if not numbers_only(xcom["value"])] == []


def test_what_a_person_must_act_on_ends_red_at_once_with_the_remedy(airflow_home: AirflowHome, tmp_path: Path) -> None:
    """12345 refuses the token, the platform our signature: no retry can help, and nobody may take it for done."""
    with deployment(tmp_path / "var", records=60, seed=11) as town:
        town.sandbox.desks["hotline"].fault("401", times=1, match="createOrder")
        refused = {"fault": "auth", "code": "auth.signature", "times": 1, "call": "batches"}
        town.sandbox.desks["national"].post("/sandbox/faults", refused)
        resume = "GW:target resume national --reason token-renewed"

        played = play(airflow_home, town, ["pull_portal_guangan", *2 * ["dispatch"], *2 * ["push"], resume, "push"])

        _, refused_token, dispatched, refused_batch, suspended, pushed = played["runs"]
        for red in (refused_token, refused_batch, suspended):
            assert red["state"] == "failed"
            assert [task["try"] for task in red["tasks"].values()] == [1]
        assert {dispatched["state"], pushed["state"]} == {"success"}
        assert "soap.unauthorised: 对方拒绝了我方身份（HTTP 401）。请核对令牌及授权。" in played["log"]
        assert "下一轮派发自动继续" in played["log"]
        assert "auth.signature: 平台不认可请求签名" in played["log"]
        assert played["log"].count("执行 gw target resume national --reason") >= 2
        assert town.count("SELECT COUNT(*) FROM work_order WHERE state = '10'") == 0
        assert town.count("SELECT COUNT(*) FROM batch WHERE state <> 'ACKNOWLEDGED'") == 0
