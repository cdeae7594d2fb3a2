"""A mistake in a source file is refused with file, line, key and what was expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.editor import text
from gateway.errors import Misconfigured
from gateway.mapping import compile_mapping, load_masters, load_source, load_sources
from gateway.mapping.masters import SharedTable
from tests.unit.mapping.sample import masters, source, spec

ROOT = Path(__file__).resolve().parents[3] / "mappings"

MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"service__mobil": {"path": "x"}}, "service.mobil", "did you mean 'mobile'?"),
    ({"service__mobile": {"pth": "x"}}, "service.mobile.pth", "did you mean 'path'?"),
    ({"service__mobile": {"path": "x", "value": "1"}}, "service.mobile", "exactly one of"),
    ({"service__mobile": None}, "service", "mobile"),
    ({"service__project_status": {"value": "7"}}, "service.project_status.value", "case_status"),
    ({"service__project_status": {"path": "x", "map": {"a": "7"}}}, "service.project_status.map.a", "case_status"),
    ({"service__project_status": {"path": "x", "table": "none"}}, "service.project_status.table", "one of"),
    ({"service__org_code": {"same": "nothing"}}, "service.org_code.same", "one of"),
    ({"service__service_time": {"value": "2026-01-01 00:00:00"}}, "service.service_time", "never a constant"),
    ({"service__mobile": {"path": "x", "separator": ";"}}, "service.mobile.separator", "indicators"),
    ({"evaluation__satisfaction": {"value": "5"}}, "evaluation.satisfaction", "never a constant"),
    (
        {"evaluation__satisfaction": {"path": "x", "scale": "national", "default": "5"}},
        "evaluation.satisfaction.default",
        "never invented",
    ),
    ({"profile": {"lower": ["field.required"]}}, "profile.lower.0", "one of"),
    ({"profile": {"raise": ["mobil.format"]}}, "profile.raise.0", "did you mean 'mobile.format'?"),
    ({"profile": {"optional": ["project_no"]}}, "profile.optional.0", "did you mean"),
    ({"profile": {"item_pattern": "("}}, "profile.item_pattern", "regular expression"),
    ({"read": {"lst": "x"}}, "read.lst", "did you mean 'list'?"),
]


@pytest.mark.parametrize(("changes", "key", "expected"), MISTAKES)
def test_mistakes_are_refused(changes: dict[str, Any], key: str, expected: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        compile_mapping(source(spec(**changes)), masters())
    assert refused.value.code == "mapping.invalid"
    assert refused.value.params["key"] == f"mapping.{key}"
    assert expected in refused.value.params["expected"]


def test_an_undeclared_scale_is_refused_at_once() -> None:
    with pytest.raises(Misconfigured) as refused:
        compile_mapping(source(spec(evaluation__satisfaction={"path": "x"})), masters())
    assert refused.value.code == "satisfaction.scale_undeclared"


def test_an_undecided_table_is_refused() -> None:
    table = SharedTable(table="t", list="satisfaction", decided=False, map={})
    with pytest.raises(Misconfigured) as refused:
        compile_mapping(source(spec(evaluation__satisfaction={"path": "x", "table": "t"})), masters(t=table))
    assert refused.value.code == "mapping.table_undecided"


def test_a_table_of_another_list_is_refused() -> None:
    table = SharedTable(table="t", list="channel", map={"1": "2"})
    with pytest.raises(Misconfigured) as refused:
        compile_mapping(source(spec(service__project_status={"path": "x", "table": "t"})), masters(t=table))
    assert "a table of case_status" in refused.value.params["expected"]


HEAD = "source: one\nname: n\nconnector: rest\nconnection: c\nowner: o\nregion: '511602000000'\n"


def write(folder: Path, name: str, body: str) -> Path:
    path = folder / "511602" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(body, encoding="utf-8")
    return path


def test_the_line_is_named(tmp_path: Path) -> None:
    path = write(
        tmp_path, "one.yaml", HEAD + "mapping:\n  service:\n    mobile: {path: a}\n    mobil:\n      path: b\n"
    )
    with pytest.raises(Misconfigured) as refused:
        compile_mapping(load_source(path), masters())
    assert refused.value.params == {
        "file": "511602/one.yaml",
        "line": 10,
        "key": "mapping.service.mobil",
        "expected": "did you mean 'mobile'?",
    }


@pytest.mark.parametrize(
    ("body", "line", "expected"),
    [
        (HEAD + "mapping: {}\nconector: x\n", 8, "did you mean 'connector'?"),
        (HEAD + "mapping: {}\nname: again\n", 8, "each key once"),
        (HEAD + "mapping: [\n", 8, "YAML"),
        ("", 1, "a mapping"),
        ("- a\n", 1, "a mapping of keys"),
        (HEAD.replace("'511602000000'", "51") + "mapping: {}\n", 6, "in quotes"),
        (HEAD, 1, "required"),
    ],
)
def test_broken_files_are_refused_by_line(tmp_path: Path, body: str, line: int, expected: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        load_source(write(tmp_path, "one.yaml", body))
    assert refused.value.params["line"] == line
    assert expected in refused.value.params["expected"]


def test_an_id_used_twice_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "one.yaml", HEAD + "mapping: {}\n")
    write(tmp_path, "two.yaml", HEAD + "mapping: {}\n")
    with pytest.raises(Misconfigured) as refused:
        load_sources(tmp_path)
    assert refused.value.code == "mapping.duplicate_source"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("source_code,task_code\n1,2\n", 1),
        ("source_code,task_code,task_name,task_type,level,dept_code,dept_name,area_code\n1,2,3,77,4,5,6,7\n", 2),
        ("source_code,task_code,task_name,task_type,level,dept_code,dept_name,area_code\n1,2\n", 2),
    ],
)
def test_a_broken_item_master_is_refused(tmp_path: Path, body: str, line: int) -> None:
    write(tmp_path, "items.csv", body)
    with pytest.raises(Misconfigured) as refused:
        load_masters(tmp_path)
    assert refused.value.code == "masters.invalid"
    assert refused.value.params["line"] == line


def test_every_source_of_the_house_compiles_and_takes_the_quick_way() -> None:
    known = load_masters(ROOT)
    sources = load_sources(ROOT)
    assert {entry.source for entry in sources} >= {"portal_guangan", "app_guangan", "kiosk_guangan", "hotline_guangan"}
    for entry in sources:
        assert compile_mapping(entry, known).is_quick


def test_the_version_follows_the_text_and_the_masters() -> None:
    known = masters()
    first = compile_mapping(source(spec()), known).version
    assert compile_mapping(source(spec()), known).version == first
    assert compile_mapping(source(spec(service__data_source={"value": "151"})), known).version != first


def test_the_schema_for_editors_is_current() -> None:
    written = (ROOT / "source.schema.json").read_text(encoding="utf-8")
    assert written == text(), "run: python -m connectors.editor > mappings/source.schema.json"
