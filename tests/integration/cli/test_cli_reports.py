"""``gw source report`` writes the file it names; ``gw items report`` accounts for every code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.reports.conformance import Document
from tests.integration.cli.conftest import ROOT, Operator

PERIOD = ("--from", "2026-11-01", "--to", "2026-11-30")
BEGINS = {"html": b"<!doctype html>", "xlsx": b"PK", "json": b"{"}


@pytest.mark.parametrize("form", sorted(BEGINS))
def test_a_report_is_written_where_it_is_told(gw: Operator, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"report.{form}"
    ran = gw("source", "report", "portal_guangan", *PERIOD, "--format", form, "--out", str(file), "--json")
    assert ran.code == 0
    assert ran.json["file"] == str(file)
    assert file.read_bytes().lstrip().startswith(BEGINS[form])
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    if form == "json":
        report = Document.model_validate_json(file.read_bytes())
        assert (report.report_id, report.verdict) == (ran.json["report_id"], "no_data")
        assert (report.facts.period.days, str(report.before.period.first)) == (30, "2026-10-02")


def test_what_cannot_be_reported_ends_in_a_sentence(gw: Operator, tmp_path: Path) -> None:
    nowhere = gw("source", "report", "portal_guangan", *PERIOD, "--out", str(tmp_path / "no" / "x.html"))
    assert (nowhere.code, "conformance.unwritable" in nowhere.err) == (5, True)
    backwards = gw("source", "report", "portal_guangan", "--from", "2026-11-30", "--to", "2026-11-01")
    assert (backwards.code, "conformance.period_invalid" in backwards.err) == (4, True)
    assert gw("source", "report", "nobody", *PERIOD).code == 5


def test_the_items_report_tells_codes_that_no_master_has(gw: Operator, tmp_path: Path) -> None:
    published = ROOT / "sandbox" / "data" / "service_items.csv"
    ran = gw("items", "report", str(published), "--json")
    assert (ran.code, ran.json["codes"], ran.json["resolved"]) == (0, 620, 620)
    strange = tmp_path / "more.csv"
    strange.write_bytes(published.read_bytes() + "区某局,某事项,ZZ-1,,1,511602000000\n".encode())
    ran = gw("items", "report", str(strange), "--json")
    assert (ran.code, ran.json["rows"], ran.json["unresolved"]) == (3, 621, ["ZZ-1"])
    assert "621" in gw("--lang", "en", "items", "report", str(strange)).out
    assert json.dumps(ran.json["shapes"]).count('"A-9"') == 1


def test_integrity_is_reported_by_region_and_a_strange_code_is_refused(gw: Operator) -> None:
    ran = gw("integrity", "report", *PERIOD, "--region", "511602103", "--json")
    assert ran.code == 0
    assert {source["rate"]["percent"] for source in ran.json["sources"]} == {None}
    assert all(source["regions"] == [] for source in ran.json["sources"])
    strange = gw("integrity", "report", *PERIOD, "--region", "5116021")
    assert (strange.code, "integrity.region_unreadable" in strange.err) == (4, True)
