"""The committed JSON Schemas are current, and say of a record what the pydantic schemas and the conditions say."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from gateway.errors import Misconfigured
from gateway.mapping import load_masters
from schemas.attributes import ATTRIBUTES, KINDS, Kind
from schemas.conditions import CONDITIONS, conflicts
from schemas.json_schema import FOLDER, MASTERS, schemas, written
from schemas.master_records import IndicatorRecord, OrganisationRecord, RegionRecord, ServiceItemRecord
from schemas.records import faults, whole
from schemas.resource import read_csv, read_json
from schemas.wire import to_wire
from tests.rules.ground import AGENT, GOOD, KEY

MADE = schemas()
RECORDS: dict[Kind, dict[str, Any]] = {
    "service": GOOD["service"],
    "evaluation": GOOD["evaluation"] | KEY,
    "rectification": GOOD["rectification"],
}
UNSAYABLE = {"time.order", "item.handle_prefix"}  # JSON Schema compares no values; they stand in x-rules
ODD = st.sampled_from(["", "0", "1", "2", "3", "9", "90", "99", "default", "active", "x" * 501, "2026-11-20 10:00:00"])


def test_every_record_of_the_specification_has_one() -> None:
    assert MADE.keys() == {*KINDS, *(f"{kind}.wire" for kind in KINDS), *MASTERS}
    assert len(KINDS) + len(MASTERS) == 7


@pytest.mark.parametrize("name", sorted(MADE))
def test_the_committed_schema_is_current_and_a_schema(name: str) -> None:
    path = FOLDER / f"{name}.schema.json"
    assert path.read_text(encoding="utf-8") == written(MADE[name]), "run: python -m schemas.json_schema"
    Draft202012Validator.check_schema(MADE[name])


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_record_is_good_in_every_form(kind: Kind) -> None:
    for record in (RECORDS[kind], RECORDS[kind] | AGENT if "handle_user_name" in ATTRIBUTES[kind] else RECORDS[kind]):
        whole(kind).validate_python(record)
        Draft202012Validator(MADE[kind]).validate(record)
        Draft202012Validator(MADE[f"{kind}.wire"]).validate(to_wire(kind, record))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_required_and_when_is_said_by_all_of_them(kind: Kind) -> None:
    for condition in CONDITIONS[kind]:
        record = {name: value for name, value in RECORDS[kind].items() if name not in condition.need}
        if condition.field:
            for value in condition.values:
                assert_refused(kind, record | {condition.field: value, "indicators": []})
        else:
            assert_refused(kind, record)


def assert_refused(kind: Kind, record: dict[str, Any]) -> None:
    record = {name: value for name, value in record.items() if value}
    with pytest.raises(ValidationError) as refused:
        whole(kind).validate_python(record)
    assert not any(str(value) in str(refused.value) for value in ("张三", "13800138000")), "an error quotes no value"
    assert not Draft202012Validator(MADE[kind]).is_valid(record)
    assert not Draft202012Validator(MADE[f"{kind}.wire"]).is_valid(to_wire(kind, record))


@given(st.sampled_from(KINDS), st.data())
def test_json_schema_and_pydantic_are_of_one_opinion(kind: Kind, data: st.DataObject) -> None:
    record = dict(RECORDS[kind])
    for name in data.draw(st.lists(st.sampled_from(sorted(ATTRIBUTES[kind])), max_size=4, unique=True)):
        listed = st.lists(st.sampled_from(["510", "511", "410", "5"]), max_size=3, unique=True).map(sorted)
        change = data.draw(st.none() | (listed if ATTRIBUTES[kind][name].repeated else ODD))
        record[name] = change
        if change is None:
            del record[name]
    wrong = faults(kind, record) or [one for one in conflicts(kind, record) if one.code not in UNSAYABLE]
    # An empty value is a fault of its own for pydantic; what it would be missing for is no second one here.
    assert Draft202012Validator(MADE[kind]).is_valid(record) == (not wrong)


def test_an_attribute_that_nobody_knows_is_refused() -> None:
    for kind in KINDS:
        assert not Draft202012Validator(MADE[kind]).is_valid({**RECORDS[kind], "unknown": "1"})
        assert not Draft202012Validator(MADE[f"{kind}.wire"]).is_valid({**to_wire(kind, RECORDS[kind]), "origin": "x"})


def test_all_master_data_that_is_shipped_is_what_it_claims_to_be() -> None:
    for row in read_csv("region.csv"):
        RegionRecord.model_validate({name: value for name, value in row.items() if name != "source"})
    for row in read_json("indicators.json"):
        IndicatorRecord.model_validate(row)
    masters = load_masters(Path(__file__).resolve().parents[3] / "mappings")
    for items in masters.items.values():
        for item in items.values():
            about = {
                name: getattr(item, name) for name in ("task_code", "task_name", "task_type", "level", "dept_code")
            }
            ServiceItemRecord.model_validate({**about, "source_codes": [item.source_code]})
    for organisation in masters.organisations.values():
        OrganisationRecord.model_validate(organisation._asdict())


REGION = {"code": "511602103000", "name": "悦来镇", "level": "4", "parent": "511602000000"}


@pytest.mark.parametrize(
    ("record", "values", "wrong"),
    [
        (RegionRecord, REGION, {"valid_from": "2021/04/09"}),
        (RegionRecord, REGION, {"valid_from": "2021-04-09", "valid_to": "2021-04-09"}),
        (RegionRecord, REGION, {"replaced_by": "511602000000"}),
        (RegionRecord, REGION, {"valid_to": "2021-04-09", "replaced_by": REGION["code"]}),
        (RegionRecord, REGION, {"code": "511602"}),
        (RegionRecord, REGION, {"level": "6"}),
        (
            OrganisationRecord,
            {"dept_code": "1" * 18, "name": "局", "area_code": REGION["code"]},
            {"dept_code": "1" * 17},
        ),
        (OrganisationRecord, {"dept_code": "1" * 18, "name": "局", "area_code": REGION["code"]}, {"name": ""}),
        (IndicatorRecord, read_json("indicators.json")[0], {"level": 4}),
        (IndicatorRecord, read_json("indicators.json")[0], {"code": "51"}),
    ],
)
def test_master_records_are_held_to_their_rules(record: Any, values: dict[str, Any], wrong: dict[str, Any]) -> None:
    record.model_validate(values)
    with pytest.raises(ValidationError):
        record.model_validate({**values, **wrong})


ITEM = {
    "task_code": "1151130168236467954510125948743",
    "task_name": "事项",
    "task_type": "01",
    "level": "4",
    "dept_code": "115113016823646795",
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"task_code": "1" * 32},
        {"task_type": "98"},
        {"level": "8"},
        {"promise_day": 5},
        {"anticipate_type": "1"},
        {"task_handle_items": ["1" * 33]},
    ],
)
def test_items_are_held_to_their_rules(wrong: dict[str, Any]) -> None:
    right = {"promise_day": 5, "promise_type": "1", "task_handle_items": [ITEM["task_code"] + "01"]}
    ServiceItemRecord.model_validate({**ITEM, **right})
    with pytest.raises(ValidationError):
        ServiceItemRecord.model_validate({**ITEM, **wrong})


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        (
            "regions.csv",
            "code,name,parent,level,valid_from,valid_to,replaced_by\n511602103000,悦来镇,,4,2021/4/9,,\n",
            2,
        ),
        ("organisations.csv", "dept_code,name,area_code\n115113016823646795,局,511602000000\n1,局,511602000000\n", 3),
    ],
)
def test_a_deployment_s_own_master_data_is_refused_with_its_line(
    tmp_path: Path, name: str, text: str, line: int
) -> None:
    (tmp_path / "511602").mkdir()
    (tmp_path / "511602" / name).write_text(text, encoding="utf-8")
    assert len(list(csv.reader(text.splitlines()))) >= line
    with pytest.raises(Misconfigured) as refused:
        load_masters(tmp_path)
    assert (refused.value.code, refused.value.params["line"]) == ("masters.invalid", line)
