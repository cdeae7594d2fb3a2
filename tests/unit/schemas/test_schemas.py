"""Canonical records as data: attributes, code lists, wire names, regions."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import code_lists
from schemas.attributes import ATTRIBUTES, KINDS, PERSONAL, Kind
from schemas.make_regions import rows
from schemas.masters import national_regions
from schemas.records import faults
from schemas.wire import from_wire, to_wire

INTERNAL = {"service_stage", "origin"}


def test_kinds_are_the_kinds_of_the_data() -> None:
    assert get_args(Kind) == KINDS == tuple(ATTRIBUTES)


def test_every_named_list_exists() -> None:
    named = {entry.code_list for kind in KINDS for entry in ATTRIBUTES[kind].values() if entry.code_list}
    assert all(code_lists.exists(name) for name in named)
    assert all(code_lists.names(name) for name in named)


def test_personal_data_is_declared() -> None:
    assert PERSONAL["service"] >= {"user_name", "mobile", "cert_key", "cert_key_gov", "handle_user_name"}
    assert PERSONAL["evaluation"] >= {"writing_evaluation", "user_name", "cert_key"}
    assert "rectification" in PERSONAL["rectification"]


def test_personal_data_is_never_remembered_by_value() -> None:
    assert not [entry.name for kind in KINDS for entry in ATTRIBUTES[kind].values() if entry.personal and entry.closed]


def test_wire_names() -> None:
    service = {"area_code": "511602000000", "org_name": "局", "service_stage": "finish", "sub_matter": ""}
    assert to_wire("service", service | {"cert_key_gov": "1"}) == {
        "areaCode": "511602000000",
        "orgName": "局",
        "certKeyGOV": "1",
    }
    evaluation = {"indicators": ["510", "517"], "effective": "1", "origin": "active", "is_default": "0"}
    assert to_wire("evaluation", evaluation) == {"evalDetail": "510,517", "effectivEvalua": "1", "isdefault": "0"}
    with pytest.raises(KeyError):
        from_wire("evaluation", {"nobodyKnows": "1"})


@given(st.sampled_from(KINDS), st.data())
def test_wire_round_trip(kind: Kind, data: st.DataObject) -> None:
    values = st.text(min_size=1, max_size=5)
    record: dict[str, Any] = {}
    for name, entry in ATTRIBUTES[kind].items():
        if data.draw(st.booleans()):
            codes = st.lists(st.sampled_from(["510", "511"]), min_size=1, max_size=2)
            record[name] = data.draw(codes if entry.repeated else values)
    sent = {name: value for name, value in record.items() if name not in INTERNAL}
    assert from_wire(kind, to_wire(kind, record)) == sent


RECTIFICATION = {
    "project_no": "GA1",
    "service_number": "1",
    "assess_number": "1",
    "cycle": "1",
    "work_order_no": "W1",
    "dept_code": "115113016823646795",
    "dept_name": "区行政审批局",
    "status": "20",
    "due_rule": "r1",
    "due_time": "2026-12-01 18:00:00",
    "review_status": "1",
    "operation": "I",
}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, None),
        ({"status": "99"}, ("status", "literal_error")),
        ({"due_time": "2026-12-01T18:00:00"}, ("due_time", "string_pattern_mismatch")),
        ({"dept_code": "1" * 17}, ("dept_code", "string_too_short")),
        ({"rectification": "字" * 1001}, ("rectification", "string_too_long")),
        ({"cycle": "x"}, ("cycle", "string_pattern_mismatch")),
        ({"cycle": 1}, ("cycle", "string_type")),
        ({"unknown": "1"}, ("unknown", "extra_forbidden")),
    ],
)
def test_records_are_checked_as_a_whole(changes: dict[str, Any], fault: tuple[str, str] | None) -> None:
    assert faults("rectification", RECTIFICATION | changes) == ([fault] if fault else [])


def test_a_missing_attribute_is_named() -> None:
    lacking = {name: value for name, value in RECTIFICATION.items() if name != "due_time"}
    assert faults("rectification", lacking) == [("due_time", "missing")]


def test_indicators() -> None:
    known = code_lists.indicators()
    assert len(known) == 72
    assert sum(entry.enabled for entry in known.values()) == 40
    first = [entry for entry in known.values() if entry.shown_first]
    assert sorted(entry.level for entry in first) == [level for level in range(1, 6) for _ in range(3)]
    assert all(code[0] == str(entry.level) for code, entry in known.items())


def test_data_source_is_ruled_by_a_pattern() -> None:
    assert code_lists.allows("data_source", "151")
    assert not code_lists.allows("data_source", "101")


@pytest.mark.parametrize(
    "code",
    [
        "330114",
        "659012",
        "540481",
        "653228",
        "653229",
        "441900",
        "460400",
        "442000",
        "620200",
        "429004",
        "469001",
        "659001",
    ],
)
def test_named_regions_exist(code: str) -> None:
    region = national_regions()[code + "000000"]
    assert region.valid_on("2026-11-20")
    assert region.parent in national_regions()


def test_regions_in_their_time() -> None:
    regions = national_regions()
    ended, renamed = regions["330103000000"], regions["370882000000"]
    assert ended.valid_on("2021-04-08")
    assert not ended.valid_on("2021-04-09 00:00:00")
    assert ended.replaced_by in regions
    assert renamed.replaced_by == "370812000000"
    assert not regions["659012000000"].valid_on("2022-12-31")


@pytest.mark.parametrize("code", ["110100", "429000", "419000", "659000", "500200", "441901", "460401", "620201"])
def test_placeholders_are_no_regions(code: str) -> None:
    assert code + "000000" not in national_regions()


def test_counties_without_prefecture_stand_below_their_province() -> None:
    for code in ("429004", "469001", "659012", "419001", "110101"):
        assert national_regions()[code + "000000"].parent == code[:2] + "0" * 10
    assert national_regions()["511602000000"].parent == "511600000000"


def test_regions_are_made_from_the_package() -> None:
    script = (
        'var a={province_list:{510000:"\\u56DB\\u5DDD\\u7701"},'
        'city_list:{511600:"\\u5E7F\\u5B89\\u5E02",441900:"x",429000:"\\u7701\\u76F4\\u8F96\\u53BF"},'
        'county_list:{511602:"\\u5E7F\\u5B89\\u533A",441901:"x",511671:"x"}}'
    )
    made = {row.code: row for row in rows(script) if row.source == "vant"}
    assert made.keys() == {"510000000000", "511600000000", "511602000000", "441900000000"}
    assert made["511602000000"].name == "广安区"
