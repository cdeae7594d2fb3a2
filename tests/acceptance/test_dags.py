"""The DAG files: they parse cleanly and lightly, a source file is a DAG, and only what time heals is tried again."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway.mapping.sources import load_sources
from tests.acceptance.conftest import ROOT, AirflowHome
from tests.acceptance.parse_dags import HEAVY

pytestmark = pytest.mark.airflow
FLOWS = {"dispatch", "push", "track", "reconcile", "evidence"}
EVALUATIONS, RECTIFICATIONS = "gateway://evaluations", "gateway://rectifications"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose mappings are ours, one new source file, and one that is switched off."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "mappings", home / "mappings")
    shutil.copytree(ROOT / "targets", home / "targets")
    region = home / "mappings" / "511602"
    portal = (region / "portal.yaml").read_text(encoding="utf-8")
    assert "source: portal_guangan" in portal
    new = portal.replace("source: portal_guangan", "source: county_next")
    (region / "county.yaml").write_text(new, encoding="utf-8")
    off = portal.replace("source: portal_guangan", "source: county_off\nenabled: false")
    (region / "off.yaml").write_text(off, encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def wrong(home: Path) -> Path:
    """The same project, one source file of which is nonsense."""
    wrong = home / "wrong"
    shutil.copytree(home / "mappings", wrong / "mappings")
    shutil.copytree(home / "targets", wrong / "targets")
    (wrong / "mappings" / "511602" / "county.yaml").write_text("source: 1\nnonsense: [", encoding="utf-8")
    return wrong


@pytest.fixture(scope="module")
def told(home: Path, wrong: Path, migrated_airflow: Path) -> list[dict[str, Any]]:
    airflow = AirflowHome(migrated_airflow.parent)
    lines = airflow.python("tests.acceptance.parse_dags", str(ROOT / "dags"), str(home), str(wrong)).splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.fixture
def parsed(told: list[dict[str, Any]]) -> dict[str, Any]:
    return told[0]


def test_every_file_imports_and_every_enabled_source_file_is_a_dag(parsed: dict[str, Any]) -> None:
    ours = {f"pull_{source.source}" for source in load_sources(ROOT / "mappings") if source.enabled}
    assert parsed["errors"] == {}
    assert parsed["warnings"] == []
    assert set(parsed["dags"]) == FLOWS | ours | {"pull_county_next"}
    assert len(ours) >= 4


def test_a_parse_loads_no_stage(parsed: dict[str, Any]) -> None:
    assert parsed["loaded"] == []
    rooms = ("gateway.stages", "gateway.store", "gateway.net", "gateway.crypto", "gateway.national", "connectors")
    light = {"gateway.national", "gateway.national.accepts", "gateway.national.target"}  # what a target file says
    assert [name for name in parsed["brought"] if (name.startswith(rooms) and name not in light) or name in HEAVY] == []


def test_every_dag_says_what_operators_need(parsed: dict[str, Any]) -> None:
    for dag_id, dag in parsed["dags"].items():
        assert dag["owners"] == ["gateway"], dag_id
        assert "gateway" in dag["tags"], dag_id
        assert len(dag["tags"]) > 1, dag_id
        assert dag["catchup"] is False, dag_id
        assert dag["zone"] == "Asia/Shanghai", dag_id
        assert "Asia/Shanghai" in dag["timetable"], dag_id
        assert dag["active_runs"] == 1, dag_id
        assert dag["retries"] == [3], dag_id
        assert dag["policies"] == ["ExceptionRetryPolicy"], dag_id
        assert not dag["display"].isascii(), dag_id


def test_new_evaluations_and_time_start_dispatch_and_push(parsed: dict[str, Any]) -> None:
    dags = parsed["dags"]
    assert dags["dispatch"]["assets"] == [EVALUATIONS]
    assert dags["push"]["assets"] == [EVALUATIONS, RECTIFICATIONS]
    assert {dags[name]["schedule"] for name in ("dispatch", "push")} == {"AssetOrTimeSchedule"}
    assert {dags[name]["schedule"] for name in ("track", "reconcile", "evidence")} == {"CronTriggerTimetable"}
    assert dags["track"]["outlets"] == [RECTIFICATIONS]
    assert {tuple(dag["outlets"]) for name, dag in dags.items() if name.startswith("pull_")} == {(EVALUATIONS,)}


def test_a_wrong_source_file_takes_away_no_other_dag(told: list[dict[str, Any]]) -> None:
    right, wrong, _ = told
    assert wrong["errors"] == {}
    assert set(right["dags"]) - set(wrong["dags"]) == {"pull_county_next"}


def test_time_is_waited_for_and_people_are_told_at_once(told: list[dict[str, Any]]) -> None:
    waited = dict.fromkeys(("Transient", "NotSent"), "retry")
    stood_still = {"soap.not_sent": "retry", "done": "3"}
    assert told[-1] == waited | dict.fromkeys(("Misconfigured", "Rejected", "Bug"), "fail") | stood_still


def test_the_plugin_folder_holds_one_file_that_no_import_shadows() -> None:
    files = [path for path in (ROOT / "plugins").rglob("*") if path.suffix == ".py"]
    assert [path.name for path in files] == ["gateway_console_plugin.py"]
    assert importlib.util.find_spec(files[0].stem) is None
