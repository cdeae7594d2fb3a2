"""The quick way and the general way are of one opinion, whatever a source sends; and neither ever raises."""

from __future__ import annotations

import copy
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.mapping import Entries, Mapping, Outcome, compile_mapping, prepare
from gateway.mapping.times import to_wire
from schemas.records import faults
from tests.unit.mapping.sample import EVALUATION, RECEIVED, RECORD, SERVICE, entries, mapping, masters, source, spec

LATEST = to_wire(RECEIVED.replace(minute=5))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
TELLING = st.sampled_from(
    [
        *("", " ", "0", "1", "2", "3", "5", "7", "01", "510", "110", "511602", "511602000", "99", "办结", "即办件"),
        *("2026-11-20 10:00:00", "2026-11-20", "20261120100000", "2026-11-20T10:00:00+08:00", "2026-W47-5 10:00:00"),
        *("2036-01-01 00:00:00", "2026-11-20 08:00:00", " 2026-11-20 10:00:00", "\uff12026-11-20 10:00:00"),
        *("张　三", " 张三 ", "\uff21B", "\u200b", "a\x00b", "x" * 201, "11010519491231002x", "11010519491231002X"),
        *("13800138000", "١٣٨٠٠١٣٨٠٠٠", "11440232MB2D06811W", "511A-1", "person", "system", "call 13800138000"),
        *(["510", "510"], ["599", "501"], [], ["110", None], [["510"]], True, False, 1.0, 1, 10**30, {"a": 1}),
    ]
)
ABOUT_EVALUATOR = {"by": "张三", "prop": "1", "certType": "111", "text": "流程清楚"}
PLACES = [(name, None) for name in RECORD] + [
    (name, leaf) for name, inner in RECORD.items() if isinstance(inner, dict) for leaf in inner
]


def comparable(found: Entries) -> Any:
    return list(found.entries), sorted(found.problems, key=str), found.corrects, found.unrated


def agree(using: Mapping, item: Any) -> Outcome:
    """Both ways, the quick one twice: the second time from memory, and with the clean record before and behind."""
    general = using.examine(item, LATEST)
    prepared = Entries([prepare(one) for one in general.records], *general[1:])
    assert comparable(entries(item, using)) == comparable(prepared)
    before, found, behind = using.page([RECORD, item, RECORD], RECEIVED)
    assert comparable(found) == comparable(prepared)
    assert before == behind == using.page([RECORD], RECEIVED)[0]
    assert bool(general.records) != any(problem.severity == "E" for problem in general.problems)
    for record in general.records:
        assert faults(record.kind, {**record.content, **record.personal}) == []  # type: ignore[arg-type]
    return general


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    record = copy.deepcopy(RECORD)
    for name, leaf in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=4)):
        value = draw(TELLING | JSON)
        if leaf is None:
            if draw(st.booleans()):
                record[name] = value
            else:
                record.pop(name, None)
        elif isinstance(record.get(name), dict):
            record[name][leaf] = value
    return record


@given(changed())
@example({**RECORD, "agent": {"name": [], "certType": None, "cert": None}})
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_ways_agree_on_spoiled_records(record: dict[str, Any]) -> None:
    agree(mapping(), record)


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_any_json_has_an_outcome(item: Any) -> None:
    assert agree(mapping(), item).records == []


def test_values_that_python_holds_for_equal_are_read_alike() -> None:
    using = compile_mapping(source(), masters())
    for value in (1, True, 1.0, "1"):
        record = copy.deepcopy(RECORD)
        record["n"] = value
        assert agree(using, record).records[0].key == "GA20261120-1#1"


def test_a_long_number_does_not_pass_for_the_float_that_lost_its_last_digits() -> None:
    using = compile_mapping(source(spec(correction={"path": "fixed", "in": [str(10**16)]})), masters())
    for name in ("orgName", "fixed"):
        for value in (10**16, 1e16, 10**16, 1e17, 10**17):
            agree(using, {**RECORD, name: value})


def test_a_remembered_problem_shows_what_was_sent() -> None:
    using = compile_mapping(source(), masters())
    for value in (True, 1, 1.0, True, 1, 7):
        shown = [problem.value for problem in using.examine({**RECORD, "area": value}, LATEST).problems]
        assert repr(value) in shown


def test_a_remembered_warning_shows_what_was_sent() -> None:
    using = compile_mapping(
        source(spec(evaluation__satisfaction={**EVALUATION["satisfaction"], "unrated": ["0"]})), masters()
    )
    for value in (False, 0, 0.0, 0, False):
        record = {**RECORD, "eval": {**RECORD["eval"], "level": value}}
        assert repr(value) in [problem.value for problem in agree(using, record).problems]


def test_a_constant_under_a_condition_follows_its_condition() -> None:
    """Also where nothing else of its group differs between two records."""
    when = {"path": "who.mark", "present": False}
    using = compile_mapping(source(spec(service__project_type={"value": "1", "when": when})), masters())
    for mark, said in ((None, "1"), ("a-mark", None), (None, "1")):
        found = agree(using, {**RECORD, "who": {**RECORD["who"], "mark": mark}})
        assert [one.content.get("project_type") for one in found.records if one.kind == "service"] == [said] * bool(
            said
        )


def test_an_attribute_follows_another_wherever_that_is_converted() -> None:
    leading = {"evaluation__is_default": {"path": "eval.auto"}, "evaluation__public_flag": {"same": "is_default"}}
    using = compile_mapping(source(spec(**leading, evaluation__origin={"value": "default"})), masters())
    found = agree(using, {**RECORD, "eval": {**RECORD["eval"], "auto": "1"}})
    assert found.records[1].content["public_flag"] == "1"
    using = compile_mapping(source(spec(service__project_type={"same": "promise_type"})), masters())
    assert agree(using, RECORD).records[0].content["project_type"] == "1"


def test_memory_does_not_grow_with_what_is_sent() -> None:
    using = compile_mapping(source(spec(service__service_name={"path": "title"})), masters())
    for length in (10, 10, 10_000):
        assert agree(using, {**RECORD, "service": "x" * length}).records[0].content["service_stage"] == "other"
    remembered = [raw for field in using._plan.service for raw in field.known if isinstance(raw, str)]
    assert max(map(len, remembered)) < 10_000


def test_each_kind_of_record_keeps_its_own_condition() -> None:
    using = compile_mapping(
        source(
            spec(
                service__cert_key_gov={"path": "who.cert", "when": {"path": "status", "in": ["3"]}},
                evaluation__cert_key_gov={"path": "who.cert", "when": {"path": "status", "in": ["2"]}},
            )
        ),
        masters(),
    )
    service, evaluation = agree(using, {**RECORD, "who": {**RECORD["who"], "mark": "a-mark"}}).records
    assert [one.personal.get("cert_key_gov") for one in (service, evaluation)] == [RECORD["who"]["cert"], None]


def other_forms() -> Mapping:
    """A mapping with the declarations that the sample lacks."""
    return compile_mapping(
        source(
            spec(
                service__service_time={"path": "at", "times": ["epoch_ms", "excel_serial"]},
                service__cert_key_gov={"path": "who.cert", "when": {"path": "status", "in": ["3"]}},
                service__sub_matter={"path": "orgName", "when": {"path": "who.mark", "present": False}},
                evaluation__satisfaction={"path": "eval.level", "map": {"1": "5", "5": "1"}, "unrated": ["0"]},
                evaluation__indicators={"path": "eval.text", "separator": "|"},
                evaluation__writing_evaluation=None,
                correction={"path": "who.name", "present": True},
            )
        ),
        masters(),
    )


OTHER = other_forms()
NAMED = compile_mapping(
    source(
        spec(
            evaluation__user_name={"path": "eval.by"},
            evaluation__user_prop={"path": "eval.prop"},
            evaluation__user_page_type={"path": "eval.certType"},
        )
    ),
    masters(),
)


def test_what_the_properties_compare_is_not_the_general_way_with_itself() -> None:
    assert mapping().is_quick
    assert OTHER.is_quick
    assert NAMED.is_quick


@pytest.mark.parametrize("there", [set(chosen) for size in range(5) for chosen in combinations(ABOUT_EVALUATOR, size)])
def test_lines_of_personal_data_are_parted_by_whatever_stands_between_them(there: set[str]) -> None:
    said = {name: value if name in there else None for name, value in ABOUT_EVALUATOR.items()}
    found = agree(NAMED, {**RECORD, "eval": {**RECORD["eval"], **said}})
    assert len(found.records[1].personal) == len(there & {"by", "text"})


@given(changed(), st.fixed_dictionaries({name: st.none() | st.just(value) for name, value in ABOUT_EVALUATOR.items()}))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_ways_agree_on_named_evaluators(record: dict[str, Any], said: dict[str, Any]) -> None:
    agree(NAMED, record if not isinstance(record.get("eval"), dict) else record | {"eval": record["eval"] | said})


@given(changed(), st.sampled_from([1_763_604_000_000, 46_346.5, "46346", 46_346, "1763604000000", -1, 10**20, True]))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_ways_agree_on_other_declarations(record: dict[str, Any], moment: Any) -> None:
    agree(OTHER, record | {"at": moment})


def test_a_mapping_that_the_quick_way_does_not_know_works_all_the_same() -> None:
    explicit = spec(evaluation__project_no={"path": "no"}, evaluation__service_number={"path": "n"})
    using = compile_mapping(source(explicit), masters())
    assert not using.is_quick
    assert agree(using, copy.deepcopy(RECORD)).problems == []


def test_services_alone_can_be_mapped() -> None:
    using = compile_mapping(source({"service": SERVICE}), masters())
    found = agree(using, copy.deepcopy(RECORD))
    assert ([record.kind for record in found.records], found.unrated) == (["service"], False)
    assert EVALUATION.keys() - SERVICE.keys()
