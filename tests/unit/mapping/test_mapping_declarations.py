"""Whatever a mapping declares, the quick way and the general way are of one opinion, also about what they remember."""

from __future__ import annotations

import copy
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.errors import Misconfigured
from gateway.mapping import compile_mapping
from tests.unit.mapping.sample import EVALUATION, RECEIVED, RECORD, SERVICE, entries, masters, source, spec, spoiled
from tests.unit.mapping.test_mapping_quick import TELLING, agree

PATHS = st.sampled_from(
    [
        *("area", "dept", "orgName", "task", "title", "status", "kind", "days", "unit", "prop", "service", "n", "fix"),
        *("who", "who.name", "who.certType", "who.mark", "who.cert", "eval", "eval.deep.y", "eval.deep", "x", "x.y"),
        *("eval.round", "eval.level", "eval.pf", "eval.reasons", "eval.text", "eval.auto", "eval.origin", "eval.by"),
    ]
)
CODES = st.sampled_from(["0", "1", "2", "5", "active", "I", "x"])
CONDITIONS = st.fixed_dictionaries({"path": PATHS, "present": st.booleans()}) | st.fixed_dictionaries(
    {"path": PATHS, "in": st.lists(st.sampled_from(["", "0", "1", "3", "办结", "510"]), min_size=1, max_size=3)}
)
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "path": PATHS,
    "when": CONDITIONS,
    "default": CODES,
    "map": st.dictionaries(st.sampled_from(["", "*", "0", "1", "5", "办结"]), CODES | st.none(), min_size=1),
    "value": CODES,
    "same": st.sampled_from([*SERVICE, *EVALUATION]),
    "item": st.sampled_from(["task_name", "task_type", "dept_code", "dept_name", "area_code"]),
}
ALONE = ("value", "same", "item")  # nothing is read beside them
NAMES = [("service", name) for name in (*SERVICE, "sub_matter", "anticipate_day", "anticipate_type")] + [
    ("evaluation", name) for name in (*EVALUATION, "user_prop", "user_page_type", "user_name", "anonymous", "effective")
]


@st.composite
def declared(draw: st.DrawFn) -> dict[str, Any]:
    """The sample's mapping with some attributes declared otherwise, most often still so that it compiles."""
    mapping = spec()
    for kind, name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4)):
        change = draw(st.sampled_from([*CHANGES]))
        before = {} if change in ALONE else {k: v for k, v in mapping[kind].get(name, {}).items() if k not in ALONE}
        mapping[kind][name] = {"path": "x", **before} if change in {"when", "default", "map"} else before
        mapping[kind][name][change] = draw(CHANGES[change])
    lists = {"raise": ["satisfaction.unrated", "region.short"], "lower": ["time.order", "org.check_digit"]}
    mapping["profile"] = {name: codes for name, codes in lists.items() if draw(st.booleans())}
    return mapping


@st.composite
def sent(draw: st.DrawFn) -> dict[str, Any]:
    record = copy.deepcopy(RECORD)
    for path in draw(st.lists(PATHS, max_size=3)):
        node = record
        *above, leaf = path.split(".")
        for name in above:
            node = node[name] if isinstance(node.get(name), dict) else node.setdefault(name, {})
            if not isinstance(node, dict):
                break
        else:
            node[leaf] = draw(TELLING)
    return record


@given(declared(), st.lists(sent(), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_both_ways_agree_whatever_is_declared(mapping: dict[str, Any], records: list[dict[str, Any]]) -> None:
    try:
        using = compile_mapping(source(mapping), masters())
    except Misconfigured:
        assume(False)
    for record in (*records, RECORD, *records):
        agree(using, record)


@pytest.mark.parametrize("project_name", [{"default": "未命名"}, {"map": {"": "未命名", "*": "其他"}}])
def test_nothing_may_stand_for_something(project_name: dict[str, Any]) -> None:
    using = compile_mapping(source(spec(service__project_name={"path": "title", **project_name})), masters())
    assert agree(using, spoiled(title=None)).records[0].content["project_name"] == "未命名"


def test_what_a_profile_raises_is_refused_wherever_the_rating_is_missing() -> None:
    using = compile_mapping(source(spec(profile={"raise": ["satisfaction.unrated"]})), masters())
    for record in (spoiled(eval=None), spoiled(eval__level=None), {k: v for k, v in RECORD.items() if k != "eval"}):
        assert agree(using, record).records == []


def test_all_that_is_wrong_is_told_of_an_evaluation_beside_a_wrong_service() -> None:
    using = compile_mapping(source(spec()), masters())
    found = agree(using, spoiled(eval__text="\ud800", status="x"))
    assert {problem.field for problem in found.problems} == {"project_status", "writing_evaluation"}


@pytest.mark.parametrize(
    ("declared", "path"),
    [
        (
            {
                "evaluation__indicators": {"path": "eval.text", "separator": "|", "by": "pair"},
                "evaluation__writing_evaluation": {"path": "eval.text", "separator": "|", "by": "pair"},
            },
            "eval__text",
        ),
        ({"service__sub_matter": {"path": "orgName", "when": {"path": "who.mark", "present": False}}}, "who__mark"),
        ({"service__sub_matter": {"path": "who.name", "when": {"path": "prop", "in": ["9"]}}}, "who__name"),
        ({"evaluation__user_name": {"path": "eval.by", "map": {"*": "匿名"}}}, "eval__by"),
    ],
)
def test_nothing_of_a_person_is_remembered(declared: dict[str, Any], path: str) -> None:
    using = compile_mapping(source(spec(**declared)), masters())
    value = "".join(("快,510|", "张三丰"))  # an object of its own
    before = sys.getrefcount(value)
    for changes in ({}, {"status": "x"}, {"eval__level": "9"}):
        record = spoiled(**changes)
        above, _, leaf = path.partition("__")
        record[above][leaf] = value
        for _ in range(2):
            entries(record, using)
            using.apply(record, RECEIVED)
        del record
    assert sys.getrefcount(value) == before
