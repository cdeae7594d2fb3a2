"""The whole way through Airflow: pull, dispatch, push, track, reconcile as DAG runs, to the platform's own books.

On the way the portal refuses our login, 12345 our token and the platform our signature, each once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.conftest import ROOT, AirflowHome
from tests.deployment import Deployment, deployment

pytestmark = pytest.mark.airflow
RECORDS = 300
PULLS = ["pull_app_guangan", "pull_hotline_guangan", "pull_kiosk_guangan", "pull_portal_guangan"]
KINDS = ("service", "evaluation", "rectification")
REFUSED = {"fault": "auth", "code": "auth.signature", "times": 1, "call": "batches"}
RENEWED = {
    "source": "GW:source resume portal_guangan --reason new-password",
    "target": "GW:target resume national --reason token-renewed",
}
GONE_LIVE = "GW:source go-live app_guangan --yes --without dry_run --without shadow --reason tried-long-enough"
SHADOW = ["GW:source shadow app_guangan --reason new-vendor", "pull_app_guangan", GONE_LIVE]


@dataclass(frozen=True)
class Played:
    """``runs`` in their order, their XComs, and every line that Airflow wrote."""

    town: Deployment
    runs: list[dict[str, Any]]
    xcoms: list[dict[str, Any]]
    log: str

    def states(self, dag: str) -> list[str]:
        return [run["state"] for run in self.runs if run["dag"] == dag]


def play(airflow: AirflowHome, town: Deployment, steps: Iterable[str]) -> Played:
    gateway = {name: value for name, value in town.environment().items() if name.startswith("GW_")}
    told = airflow.python("tests.acceptance.play_dags", str(ROOT / "dags"), *steps, **gateway)
    line = next(line for line in told.splitlines() if line.startswith("PLAYED "))
    return Played(town, **json.loads(line.removeprefix("PLAYED ")), log=told)


@pytest.fixture(scope="module")
def played(airflow_home: AirflowHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with deployment(tmp_path_factory.mktemp("town") / "var", records=RECORDS, seed=11) as town:
        desks = town.sandbox.desks
        desks["portal"].fault("401", times=1)
        desks["hotline"].fault("401", times=1, match="createOrder")
        desks["national"].post("/sandbox/faults", REFUSED)
        steps = ["pull_portal_guangan", RENEWED["source"], *SHADOW, *PULLS, "dispatch", "dispatch"]
        steps += ["push", "push", RENEWED["target"], "push"]
        steps += [f"TICK:{desks['hotline'].url}/sandbox/tick", "track", "push", "reconcile", "pull_app_guangan"]
        yield play(airflow_home, town, steps)


def numbers_only(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and numbers_only(held) for name, held in value.items())
    return isinstance(value, int)


def test_every_record_arrives_through_the_dags(played: Played) -> None:
    town = played.town
    ledger = town.rows("SELECT kind, record_key, version FROM ledger_record ORDER BY 1, 2, 3")
    effects = {kind: town.effects(kind) for kind in KINDS}
    there = [(kind, one["key"], one["version"]) for kind in KINDS for one in effects[kind]]
    assert len(ledger) > RECORDS
    assert sorted(there) == ledger
    assert {one["times"] for kind in KINDS for one in effects[kind]} == {1}
    assert not town.waiting()
    assert town.count("SELECT COUNT(*) FROM reconciliation WHERE equal = 0") == 0
    assert town.count("SELECT SUM(landed) FROM raw_page") == RECORDS
    assert town.count("SELECT COUNT(*) FROM work_order WHERE state = '10'") == 0
    assert town.count("SELECT COUNT(*) FROM batch WHERE state NOT IN ('ACKNOWLEDGED', 'RECONCILED')") == 0


def test_what_a_person_must_act_on_ends_red_at_once(played: Played) -> None:
    """A login, a token, a signature refused: no retry can help, and nobody may take it for done."""
    assert {dag: played.states(dag) for dag in ("pull_portal_guangan", "dispatch", "push")} == {
        "pull_portal_guangan": ["failed", "success"],
        "dispatch": ["failed", "success"],
        "push": ["failed", "failed", "success", "success"],
    }
    red = [run for run in played.runs if run["state"] == "failed"]
    assert {task["try"] for run in red for task in run["tasks"].values() if task["state"] == "failed"} == {1}
    assert {run["state"] for run in played.runs if run["dag"] in ("track", "reconcile")} == {"success"}


def test_the_remedy_stands_in_the_log(played: Played) -> None:
    assert "soap.unauthorised: 对方拒绝了我方身份（HTTP 401）。请核对令牌及授权。" in played.log
    assert "下一轮派发自动继续" in played.log
    assert "auth.signature: 平台不认可请求签名" in played.log
    assert played.log.count("执行 gw target resume national --reason") >= 2


def test_a_shadow_run_is_compared_and_nothing_of_it_goes_on(played: Played) -> None:
    (first, *_) = [run for run in played.runs if run["dag"] == "pull_app_guangan"]
    assert first["tasks"]["normalise_landed"]["state"] == "skipped"
    ((landed, passing),) = played.town.rows("SELECT SUM(landed), SUM(stored) FROM shadow_day")
    assert landed >= passing > 0


def test_nothing_new_starts_nothing(played: Played) -> None:
    assert played.runs[-1]["dag"] == "pull_app_guangan"
    assert played.runs[-1]["tasks"]["normalise_landed"]["state"] == "skipped"


def test_numbers_alone_go_from_task_to_task(played: Played) -> None:
    assert {xcom["dag"] for xcom in played.xcoms} >= {*PULLS, "dispatch", "push", "track", "reconcile"}
    assert [xcom for xcom in played.xcoms if not numbers_only(xcom["value"])] == []
