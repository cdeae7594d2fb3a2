"""The traps of code-lists.json: what looks national and is not, as shared tables with a decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Misconfigured
from gateway.mapping import compile_mapping, load_masters
from schemas.resource import read_json
from tests.unit.mapping.sample import codes, masters, outcome, source, spec, spoiled

TABLES = load_masters(Path(__file__).resolve().parents[3] / "mappings").tables
TRAPS = {trap["id"]: trap for trap in read_json("code_lists.json")["source_traps"]}
RANGES = {"status-sd-backend"}


@pytest.mark.parametrize("name", sorted(TABLES.keys() & TRAPS.keys() - RANGES))
def test_a_table_says_what_the_trap_says(name: str) -> None:
    trap, table = TRAPS[name], TABLES[name]
    assert table.list_ == trap["list"]
    assert table.decided == (trap["confidence"] != "undecided")
    if table.decided:
        assert {key: table.map.get(key) for key in trap["mapping"]} == trap["mapping"]


def mapped(attribute: str, value: Any, table: str) -> Any:
    """What ``attribute`` of the sample becomes under ``table``; the problem codes when it becomes nothing."""
    kind = "evaluation" if attribute in {"satisfaction", "channel", "assess_number"} else "service"
    path = {"satisfaction": "eval.level", "channel": "eval.pf", "assess_number": "eval.round"}.get(attribute, "probe")
    using = compile_mapping(
        source(spec(**{f"{kind}__{attribute}": {"path": path, "table": table}, "evaluation__indicators": None})),
        masters(**TABLES),
    )
    changes = {path.replace(".", "__"): value} | ({"status": "3"} if kind == "service" else {})
    found = outcome(spoiled(**changes), using)
    holder = next((record for record in found.records if record.kind == kind), None)
    return holder.content[attribute] if holder is not None else codes(found)


@pytest.mark.parametrize(
    ("attribute", "value", "table", "expected"),
    [
        ("satisfaction", "1", "sat-gbt39046", "5"),
        ("satisfaction", 5, "sat-gbt39046", "1"),
        ("satisfaction", "0", "sat-fj-window", "2"),
        ("satisfaction", "4", "sat-fj-window", {"satisfaction.unrated"}),
        ("satisfaction", "0", "sat-si-device", "5"),
        ("satisfaction", "5", "sat-si-device", {"satisfaction.unknown"}),
        ("satisfaction", "0", "sat-zero", {"satisfaction.unrated"}),
        ("channel", "6", "pf-zj-2019", "7"),
        ("channel", "1", "pf-fj-internal", "3"),
        ("channel", "3", "pf-fj-internal", {"source.unmapped"}),
        ("project_status", "45", "status-bj-raw", "3"),
        ("project_status", "89", "status-sd-backend", "2"),
        ("user_prop", "5", "prop-gbt39046", "6"),
        ("user_prop", "0", "prop-gd", "1"),
        ("user_prop", "2", "prop-si", "1"),
        ("task_type", "11", "tasktype-sd", "20"),
        ("task_type", "42", "tasktype-sd", "99"),
        ("project_type", "1", "casetype-zj", "2"),
        ("service_stage", "2", "stage-gd", "finish"),
        ("service_stage", "任意环节", "stage-fj", "other"),
        ("assess_number", "2", "round-fj", "2"),
    ],
)
def test_traps(attribute: str, value: Any, table: str, expected: Any) -> None:
    found = mapped(attribute, value, table)
    if isinstance(expected, set) and isinstance(found, set):
        assert found == expected
    elif isinstance(expected, set):
        pytest.fail(f"became {found}")
    else:
        assert found == expected


@pytest.mark.parametrize("table", ["sat-three-level", "sat-hotline-b"])
def test_undecided_scales_need_a_decision(table: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        mapped("satisfaction", "1", table)
    assert refused.value.code == "mapping.table_undecided"


def test_coarse_lists_are_marked_by_their_table() -> None:
    for name in ("prop-2019", "prop-gd", "prop-si", "prop-sd-backend"):
        assert TABLES[name].coarse


def test_indicators_are_matched_in_every_declared_way() -> None:
    def indicators(value: Any, **how: str) -> Any:
        using = compile_mapping(source(spec(evaluation__indicators={"path": "eval.reasons", **how})), masters())
        found = outcome(spoiled(eval__reasons=value), using)
        return found.records[1].content["indicators"] if found.records else codes(found)

    assert indicators("517|510", separator="|") == ["510", "517"]
    assert indicators("服务热情效率高；一窗受理一次办结", separator=";", by="name") == ["510", "517"]
    assert indicators("没有这个指标", separator=";", by="name") == {"source.unmapped"}
    assert indicators("510") == ["510"]
