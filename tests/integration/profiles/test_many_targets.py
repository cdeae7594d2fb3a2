"""A site that reports to several receivers: a cycle pushes to all of them, and each is told of by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sandbox.provinces.receiver import serving
from tests.deployment import Deployment, deployment
from tests.integration.profiles.world import RECEIVERS, connection_to

RECORDS = 40
NAMES = ("province", "resting")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[tuple[Deployment, Any]]:
    """Beside the national platform a province's, one that is only pushed to by name, and a file with a mistake."""
    receiver = RECEIVERS["tif-header"]()
    with ExitStack() as stack:
        url = stack.enter_context(serving(receiver))
        made = stack.enter_context(
            deployment(tmp_path / "var", records=RECORDS, seed=11, GW_CONN_PROVINCE=json.dumps(connection_to(url)))
        )
        hosts = [f"{one['host']}:{one['port']}" for one in made.sandbox.connections.values()]
        made.more["GW_ALLOWED_HOSTS"] = ",".join([*hosts, url.removeprefix("http://")])
        for name in NAMES:
            lines = {"target": name, "name": "省平台", "profile": "tif-header", "connection": "province"}
            lines |= {"recipient": "P"} | ({"enabled": "false"} if name == "resting" else {})
            write(made, name, lines)
        write(made, "mistaken", {"target": "mistaken", "name": "写错的"})
        yield made, receiver


def write(town: Deployment, name: str, lines: dict[str, str]) -> None:
    text = "".join(f"{key}: {value}\n" for key, value in lines.items())
    (town.var / "home" / "targets" / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_a_cycle_pushes_to_every_enabled_target_and_compares_where_that_can_be_done(
    town: tuple[Deployment, Any],
) -> None:
    made, receiver = town
    ran = made.gw("run")
    assert ran.code == 3  # the file with the mistake
    pushed = [step["subject"] for step in ran.said["steps"] if step["stage"] == "push"]
    assert pushed == ["national", "province"] * 2
    assert [step["subject"] for step in ran.said["steps"] if step["stage"] == "reconcile"] == ["national"]
    assert ran.step("load", "mistaken.yaml")["error"] == "target.invalid"
    for target in ("national", "province"):
        states = f"SELECT DISTINCT state FROM batch WHERE target_id = '{target}' ORDER BY 1"
        assert made.rows(states), target
    kinds = dict(made.rows("SELECT kind, COUNT(*) FROM ledger_record GROUP BY 1"))
    assert {kind: len(made.effects(kind)) for kind in kinds} == kinds
    assert {kind: len(receiver.of(kind)) for kind in kinds} == kinds
    assert made.count("SELECT COUNT(*) FROM batch WHERE target_id = 'resting'") == 0

    status = made.gw("status").said
    lines = {line["target_id"]: line for line in status["targets"]}
    assert (lines["province"]["state"], lines["province"]["waiting"], lines["province"]["unheard"]) == ("ok", 0, 1)
    assert [wait["target"] for wait in status["waiting"] if wait["code"] == "unheard"] == ["province"]
    assert made.gw("push", "--target", "resting").code == 0
    assert made.count("SELECT COUNT(*) FROM batch WHERE target_id = 'resting' AND state = 'ACKNOWLEDGED'") > 0


def test_a_target_that_is_away_costs_the_others_nothing(town: tuple[Deployment, Any]) -> None:
    made, receiver = town
    made.sandbox.kill("national")
    assert made.gw("run").code == 3
    kinds = dict(made.rows("SELECT kind, COUNT(*) FROM ledger_record GROUP BY 1"))
    assert {kind: len(receiver.of(kind)) for kind in kinds} == kinds
    assert made.gw("reconcile", "show", _today(made), "--target", "province").said["counts"]["service"] > 0
    signed = made.gw("reconcile", "sign", _today(made), "--target", "province", "--reason", "与对方核对")
    assert (signed.code, signed.said["needed"], signed.said["batches"]) == (0, 2, 0)


def _today(town: Deployment) -> str:
    return str(town.rows("SELECT MIN(business_date) FROM batch WHERE target_id = 'province'")[0][0])
