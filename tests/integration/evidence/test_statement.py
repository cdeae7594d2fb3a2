"""The monthly statement, and this room's commands as an operator types them."""

from __future__ import annotations

import io
import json
from pathlib import Path

from python_calamine import CalamineWorkbook

from gateway.reports.statement import as_html, as_json, as_xlsx, statement
from gateway.stages.context import Context
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from sandbox.platform.running import RunningPlatform
from tests.integration.cli.conftest import Operator
from tests.integration.delivery.world import SENDER, fill, service
from tests.integration.evidence.test_reconcile_repairs import spoil, today


def test_the_statement_tells_every_day_and_what_is_open(
    context: Context, platform: RunningPlatform, home: Path, store_url: str, tmp_path: Path
) -> None:
    fill(context, *([service(number)] for number in range(5)))
    push(context, "national")
    spoil(context, 3)
    reconcile(context, "national")
    day = today(context)
    made = statement(context, SENDER, "national", day[:7], context.clock())
    assert [(one.kind, one.our_count, one.result) for one in made.lines] == [
        ("evaluation", 0, "equal"),
        ("rectification", 0, "equal"),
        ("service", 5, "open"),
    ]
    assert [(one.kind, *one[1:]) for one in made.totals] == [
        ("service", 5, 5, 0, 0, 1),
        ("evaluation", 0, 0, 0, 0, 0),
        ("rectification", 0, 0, 0, 0, 0),
        ("all", 5, 5, 0, 0, 1),
    ]
    assert day not in made.days_missing
    assert json.loads(as_json(made))["open"][0]["difference"] == "differing"
    assert "内容不同" in as_html(made).decode()
    assert "differing" in as_html(made, "en").decode()
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(as_xlsx(made))).sheet_names
    assert len(sheets) == 4
    assert "全月合计" in sheets

    connection = (home / "connection.json").read_text()
    gw = Operator(home / "var", home, GW_DATABASE_URL=store_url, GW_CONN_NATIONAL=connection, GW_SENDER=SENDER)
    assert gw("reconcile", "list", "--json").json[0]["open"] == {"differing": 1}
    assert gw("reconcile", "show", day, "--json").json["differences"][0]["proposed"] == "quarantine"
    assert "P000003#1" in gw("reconcile", "show", day).out
    accept = ("reconcile", "repair", day, "--act", "accept")
    assert gw(*accept, "--json").json["done"] == 0
    assert gw(*accept, "--yes", "--json").json["error"] == "act.reason_missing"
    assert gw("reconcile", "sign", day, "--reason", "核对").code == 4
    assert gw(*accept, "--yes", "--reason", "核对", "--json").json["done"] == 1
    assert len(gw("reconcile", "sign", day, "--reason", "核对", "--json").json["signers"]) == 1
    assert gw("reconcile", "recover", "--json").json["done"] is False
    out = tmp_path / "month.html"
    assert gw("reconcile", "statement", day[:7], "--out", str(out)).code == 0
    assert out.stat().st_size > 1000
    assert gw("evidence", "build", "--json").json["days"] == 0
    assert gw("evidence", "purge", "--dry-run", "--json").json["error"] == "evidence.empty"
