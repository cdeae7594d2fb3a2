"""Runs against parties that are away or refuse us: what failed, what waits, the next act, and exit code 3."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from gateway.cli.output import Exit
from tests.integration.cli.conftest import Operator, Ran, running


def away(**more: Any) -> str:
    """A connection to a port where nobody listens."""
    return json.dumps({"conn_type": "http", "host": "127.0.0.1", "port": 9, "schema": "http", **more})


def waits(ran: Ran) -> set[str]:
    return {wait["code"] for wait in ran.json["waiting"] if not wait["noted"]}


def failed(ran: Ran) -> dict[str, str]:
    return {step["stage"]: step["error"] for step in ran.json["steps"] if "error" in step}


def test_from_a_bad_day_to_a_good_one(tmp_path: Path) -> None:
    gw = Operator(tmp_path / "var", GW_RETRY_BASE_SECONDS="3000", GW_ORDER_REQUERY_SECONDS="0")
    with running(gw, "--records", "400", "--seed", "5") as state:
        port = int(state["doubles"]["national"]["url"].rpartition(":")[2])
        nobody = {"GW_CONN_HOTLINE": away(), "GW_CONN_NATIONAL": away(login="x", password="y"), "GW_CONN_APP": away()}
        nobody["GW_ALLOWED_HOSTS"] = "127.0.0.1"

        ran = gw("run", **nobody)
        assert ran.code == Exit.PARTLY
        assert ran.err == ""
        assert re.search(r"✗ 采集落地 app_guangan：net\.", ran.out)
        assert re.search(r"✓ 采集落地 portal_guangan", ran.out)
        assert re.search(r"✗ 派发工单 hotline：soap\.", ran.out)
        assert "gw batch retry" in ran.out
        assert "{" not in ran.out
        again = gw("run", "--json", **nobody)
        assert again.code == Exit.PARTLY
        assert {"source_failing", "orders_pending", "batch_retry"} <= waits(again)
        status = gw("status", "--json")
        assert status.code == Exit.PARTLY
        assert {"batch_retry", "orders_pending"} <= {wait["code"] for wait in status.json["waiting"]}

        batch = gw("batch", "list", "--state", "retry_wait", "--json").json[0]["batch_id"]
        assert gw("batch", "retry", batch[:10], "--reason", "对端已恢复").code == Exit.DONE
        stranger = away(port=port, login="nobody", password="wrong")
        refused = gw("push", "--json", GW_CONN_NATIONAL=stranger)
        assert refused.code == Exit.PARTLY
        assert failed(refused)["push"].startswith("auth.")
        assert "target_suspended" in waits(refused)
        told = gw("push")
        assert told.code == Exit.PARTLY
        assert "gw target resume national --reason" in told.out

        assert gw("target", "resume", "national", "--reason", "令牌已更正").code == Exit.DONE
        good = gw("run", "--json")
        assert failed(good) == {}
        assert waits(good) == {"orders_pending"}  # refused orders keep their own time
        assert good.code == Exit.PARTLY
        acts = [act["act"] for act in gw("audit", "list", "--json").json]
        assert acts == ["target.resume", "batch.retry"]


def test_a_source_that_is_suspended_and_resumed(tmp_path: Path) -> None:
    gw = Operator(tmp_path / "var")
    with running(gw, "--records", "40", "--seed", "5"):
        broken = {"GW_ALLOWED_HOSTS": "127.0.0.2"}
        alone = gw("pull", "portal_guangan", "--json", **broken)
        assert failed(alone) == {"pull": "net.not_allowed"}
        ran = gw("run", "--json")
        assert ran.code == Exit.PARTLY
        assert failed(ran) == {"pull": "source.suspended"}
        assert waits(ran) == {"source_suspended"}
        assert "gw source resume portal_guangan --reason" in gw("status").out
        assert gw("source", "resume", "portal_guangan", "--reason", "白名单已加").code == Exit.DONE
        assert gw("run").code == Exit.DONE
