"""The parts of the reports that need no store: what may be shown, lateness, figures, shapes of item codes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.problem import PROBLEMS
from gateway.errors import Misconfigured
from gateway.mapping import load_masters
from gateway.messages import catalogue
from gateway.reports.conformance.coverage import Coverage
from gateway.reports.conformance.document import Change
from gateway.reports.conformance.lateness import Lateness
from gateway.reports.conformance.shown import shown
from gateway.reports.conformance.words import Words, percent
from gateway.reports.conformance.workbook import escaped
from gateway.reports.items import code_kind, inside_kind, items_report, shape
from gateway.store.conformance import LedgerRow

ROOT = Path(__file__).resolve().parents[3]
START = datetime(2026, 11, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("mobile", "13912345678", "139****5678"),
        ("user_name", "王小明", "王*明"),
        ("cert_key_gov", "11010519491231002X", "1****************X"),
        ("project_status", "办理中", "办理中"),
        ("project_status", "张三", "张*"),
        ("project_status", "我叫张三住在和平路七号请打电话给我谢谢您", "我叫张三住在和平路七号请打电话给我谢谢您"),
        ("project_status", "我叫张三住在和平路七号请打电话给我谢谢您了", None),
        ("channel", "13912345678", "139****5678"),
        ("service_number", "A1234567890123456", "A***************6"),
        ("writing_evaluation", "谢谢", None),
        ("project_name", "张三的申请", None),
        ("service", "the platform's own words", None),
        ("mobile", None, None),
        ("mobile", "", ""),
    ],
)
def test_what_of_a_value_may_be_shown(field: str, value: str | None, expected: str | None) -> None:
    assert shown(field, value) == expected


@given(st.lists(st.integers(-300, 20 * 86_400), min_size=1, max_size=60))
def test_quantiles_are_those_of_the_sorted_list(lags: list[int]) -> None:
    lateness = Lateness(START, 86_400)
    for lag in lags:
        lateness.add(START + timedelta(days=30), START + timedelta(days=30, seconds=lag))
    found, ordered = lateness.summary("evaluation"), sorted(max(lag, 0) for lag in lags)
    for percentile, value in ((50, found.median), (90, found.p90), (99, found.p99)):
        exact = ordered[-(-len(lags) * percentile // 100) - 1]
        step = 1 if exact < 7_200 else 60 if exact < 7 * 86_400 else 3_600
        assert value == exact - exact % step
    assert found.late == sum(lag > 86_400 for lag in lags)
    assert found.ahead == sum(lag < 0 for lag in lags)
    assert sum(bar.records for bar in found.bars) == len(lags)


@pytest.mark.parametrize(
    ("share", "expected"),
    [(None, "–"), (0.0, "0 %"), (1.0, "100 %"), (0.999999, ">99.99 %"), (0.000001, "<0.01 %"), (0.5, "50 %")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float | None, expected: str) -> None:
    assert percent(share) == expected


def test_changes_carry_their_direction() -> None:
    words = Words("en")

    def change(delta: Any, unit: Any = "count", too_few: bool = False) -> str:
        line = Change(figure="landed", unit=unit, now=1, before=1, delta=delta, better=None, too_few=too_few)
        return words.change(line)

    assert [change(3), change(-1500), change(0), change(None)] == ["▲ 3", "▼ 1,500", "＝", "–"]
    assert change(-0.0123, "share") == "▼ 1.23 pp"
    assert change(5400, "seconds") == "▲ 90 min"
    assert change(None, "share", too_few=True) == "too few"


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert escaped(text) == "'" + text
    assert escaped("a" + text) == "a" + text


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_every_problem_has_a_title_and_a_remedy(code: str) -> None:
    assert f"cause.{code}" in catalogue("zh")
    assert f"remedy.{code}" in catalogue("zh")


def test_the_620_real_items_are_all_accounted_for() -> None:
    published = ROOT / "sandbox" / "data" / "service_items.csv"
    found = items_report(published, load_masters(ROOT / "mappings").items_of("511602000000"))
    assert (found.rows, found.codes, found.repeated, found.empty) == (620, 620, 0, 0)
    assert (found.resolved, found.unresolved) == (620, [])
    assert sum(line.count for line in found.shapes) == sum(found.lengths.values()) == 620
    assert len(found.lengths) == 8
    for field in ("item_code", "dept_code", "task_code"):
        assert sum(check.count for check in found.checks if check.field == field) == 620
    kinds = {(check.field, check.kind): check.count for check in found.checks}
    assert kinds["dept_code", "organisation_valid"] == 311
    assert kinds["task_code", "task_valid"] == 620


def test_rows_without_a_code_and_repeats_are_counted_apart(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("item_code,dept_code\nA-1,\nA-1,x\n,68236467-9\n#1,68236467-8\n", encoding="utf-8")
    found = items_report(file, {})
    assert (found.rows, found.codes, found.repeated, found.empty) == (4, 2, 1, 1)
    assert found.unresolved == ["A-1", "#1"]
    assert {line.shape: line.count for line in found.shapes} == {"A-9": 1, "?": 1}
    assert {check.kind: check.count for check in found.checks if check.field == "dept_code"} == {
        "empty": 1,
        "other": 1,
        "organisation_valid": 1,
        "organisation_wrong": 1,
    }


def test_shapes_and_kinds() -> None:
    assert shape("511A0090800010-511602000000-000-TE5116020105116050-1-00") == "X-9-9-X-9-9"
    assert (code_kind("11110000000021135M"), code_kind("11110000000021135N")) == ("credit_valid", "credit_wrong")
    assert inside_kind("1-11110000000021135M-2") == "credit_valid"


@pytest.mark.parametrize("content", [b"name\nx\n", b"\xff\xfe\x00"])
def test_a_file_that_is_no_list_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(content)
    with pytest.raises(Misconfigured, match=r"items\.unreadable"):
        items_report(file, {})


@pytest.mark.parametrize(
    ("cases", "copied"),
    [
        ([("1", "1"), ("2", "2")] * 15, 30),
        ([("1", "1"), ("2", "2")] * 14, 0),
        ([("1", "1"), ("2", "2")] * 15 + [("3", "1")], 0),
        ([("1", "1")] * 40, 0),
        ([], 0),
    ],
)
def test_a_status_that_is_always_the_service_number_is_a_fault_of_the_mapping(
    cases: list[tuple[str, str]], copied: int
) -> None:
    """Trap status-sd-backend, which only a batch of records shows: (status, number) of each service."""
    coverage = Coverage(lambda _row: b"{}")
    for status, number in cases:
        content = json.dumps({"proStatus": status, "serviceNumber": number})
        coverage.add(LedgerRow("service", "P#1", 1, START, START, None, "finish", content, None))
    coverage.add(LedgerRow("evaluation", "P#1#1", 1, START, START, "active", None, '{"serviceNumber": "1"}', None))
    assert coverage.copied_statuses() == copied
