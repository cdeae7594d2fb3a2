"""Conditional requirements and rules between attributes (records.md 1, 2, 3 and 5), beside those told as pairs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from gateway.mapping import compile_mapping, prepare
from gateway.mapping.outcome import Case
from gateway.mapping.rectification import check_rectification
from schemas.conditions import conflicts
from tests.rules.evaluation_pairs import EVALUATION_PAIRS
from tests.rules.ground import (
    AGENT,
    DEPARTMENT,
    EVALUATION,
    LATEST,
    OTHER_DEPARTMENT,
    PERSON,
    RECEIVED,
    RECTIFICATION,
    SERVICE,
    TASK,
    Rule,
    alone,
    compiled,
    fields,
    masters,
    plain,
    resolved,
    said,
    source,
)
from tests.rules.pair import at, check
from tests.rules.service_pairs import SERVICE_PAIRS

CREDIT = OTHER_DEPARTMENT


def rules() -> Iterator[Rule]:
    for pair in (*SERVICE_PAIRS, *EVALUATION_PAIRS):
        yield Rule(pair.name, partial(check, pair))
    yield Rule("1 service_time not in the future", _service_in_the_future)
    yield Rule("7 severities of a profile hold", _profile)
    yield Rule("7 suggestions", _suggestions)
    yield Rule("5 unread values take part in no comparison", _unread)
    yield Rule("trap cert-kind-mismatch: others", _other_certificates)
    yield Rule("all problems at once", _all_at_once)
    yield Rule("what is no object is refused", _no_object)
    yield Rule("nothing personal is remembered", _forgotten)
    yield Rule("nothing may stand for something", _empty)
    yield Rule("2 correction mark", _correction)
    yield Rule("optional attributes of a source", _optional)
    yield Rule("5.3 joined to its case", _joined)
    yield Rule("5.6 alone and unrated is refused", _alone_unrated)
    yield Rule("key of a refused record", _keys)
    yield Rule("4 services alone", _services_alone)
    yield Rule("5 newer wins, by the source's own revision", _revision)
    yield Rule("5.6 of a declined rating nothing else is looked at", _declined)
    yield Rule("2 indicators ascending, once each", _indicators)
    yield Rule("3 complete when closed", _closing)
    yield Rule("3 problems of a rectification", _rectification)


def _service_in_the_future() -> None:
    edge = dict.fromkeys(("service_time", "result_date"), "2026-11-21 10:05:00")
    after = {"assess_time": "2026-11-21 10:05:00"}
    assert said(edge, after).errors == set()
    assert said({**edge, "service_time": "2026-11-21 10:05:01"}, after).errors == {
        ("time.future", "service_time"),
        ("time.before_service", "assess_time"),
    }


def _profile() -> None:
    raised = compiled(profile={"raise": ["mobile.format", "indicator.disabled"]})
    assert said({"mobile": "1"}, using=raised).errors == {("mobile.format", "mobile")}
    assert said(None, {"indicators": ["501"]}, raised).errors == {("indicator.disabled", "indicators")}
    lowered = compiled(profile={"lower": ["time.order", "identity.missing", "time.before_service"]})
    for changes in ({"apply_date": at("08:30:01")}, {"cert_key": None, "cert_key_gov": None}):
        found = said(changes, using=lowered)
        assert (found.errors, len(found.warnings)) == (set(), 1)
        assert found.service
    found = said(None, {"assess_time": at("09:59:59")}, lowered)
    assert found.warnings == {("time.before_service", "assess_time")}
    assert found.evaluation["assess_time"] == at("09:59:59"), "never shifted"


def _remedy(found: Any) -> str:
    return str(found.outcome.problems[0].remedy)


def _suggestions() -> None:
    assert _remedy(said({"area_code": "511699"})).startswith("5116")
    assert _remedy(said({"area_code": "991199"})) == ""
    assert _remedy(said({"area_code": "5116"})) == "511600000000"
    assert _remedy(said({"area_code": "51"})) == ""
    base = {"task_code": "511A-1", "task_handle_item": ""}
    assert _remedy(said({**base, "dept_code": CREDIT.replace("0", "O")}, using=resolved)) == CREDIT
    assert _remedy(said({**base, "dept_code": "I" + CREDIT[1:]}, using=resolved)) == CREDIT
    assert _remedy(said({**base, "dept_code": DEPARTMENT[:-1] + "6"}, using=resolved)) == ""
    assert _remedy(said({"cert_key_gov": PERSON.replace("0", "O")})) != ""
    assert _remedy(said({"cert_key_gov": PERSON.replace("1", "I")})) != ""
    assert _remedy(said({"cert_key_gov": "110105194912310021"})) == ""


def _unread() -> None:
    """One fault is one problem: what could not be read is not missing, nor early, nor late."""
    broken = "2026-13-01 10:00:00"
    for name in ("accept_date", "result_date"):
        assert said({name: broken}).errors == {("time.unparsable", name)}
    assert said({"service_time": broken}).errors == {("time.unparsable", "service_time")}
    assert said({"service_time": broken}, {"assess_time": at("01:00:00")}).errors == {
        ("time.unparsable", "service_time")
    }
    assert said({"project_status": "7", "result_date": None}).errors == {("code.unknown", "project_status")}
    assert said({"cert_key": None, "cert_key_gov": "C" * 51}).errors == {("field.length", "cert_key_gov")}
    assert said({"cert_key": "m" * 129, "cert_key_gov": None}).errors == {("field.length", "cert_key")}
    assert said({"promise_day": "1000"}).errors == {("field.length", "promise_day")}
    assert said({"promise_type": "7"}).errors == {("code.unknown", "promise_type")}
    assert said({**AGENT, "handle_user_page_type": "888"}).errors == {("code.unknown", "handle_user_page_type")}
    assert said(None, {"satisfaction": "1", "indicators": "1x0", "writing_evaluation": None}).errors == {
        ("field.type", "indicators")
    }
    assert said(None, {"satisfaction": "1", "indicators": None, "writing_evaluation": "长" * 501}).errors == {
        ("field.length", "writing_evaluation")
    }
    assert said(None, {"satisfaction": "7"}).errors == {("satisfaction.unknown", "satisfaction")}
    assert said({"project_no": None}).errors == {("field.required", "project_no")}
    assert len(said({"project_no": None}).outcome.problems) == 1, "said once, though both records lack it"
    own = compiled(evaluation={"project_no": {"path": "evaluation.project_no"}})
    assert len(said({"project_no": None}, using=own).outcome.problems) == 1
    assert said({"service_number": "x"}).errors == {("field.type", "service_number")}
    base = {"task_code": "511A-1", "task_handle_item": ""}
    assert said({**base, "dept_code": "short"}, using=resolved).errors == {("field.length", "dept_code")}
    assert said({**base, "dept_code": None}, using=resolved).errors == {("field.required", "dept_code")}
    same = compiled({"org_code": {"same": "dept_code"}})
    assert said({"dept_code": "short"}, using=same).errors == {("field.length", "dept_code")}
    base = {"task_code": "unknown", "task_handle_item": ""}
    assert said(base, using=resolved).errors == {("item.unknown", "task_code")}


def _other_certificates() -> None:
    for kind in ("001", "821", "999"):
        found = said({"user_prop": "2", "user_page_type": kind, "cert_key_gov": None})
        assert (found.errors, found.warnings) == (set(), set())


def _all_at_once() -> None:
    found = said({"project_status": "7", "user_name": None, "mobile": "1"}, {"channel": "8", "is_default": "1"})
    assert found.errors == {
        ("code.unknown", "project_status"),
        ("field.required", "user_name"),
        ("code.unknown", "channel"),
        ("evaluation.default_origin_conflict", "is_default"),
    }
    assert found.warnings == {("mobile.format", "mobile")}
    told = {problem.code: problem for problem in found.outcome.problems if problem.field == "project_status"}
    assert told["code.unknown"][2:] == ("project_status", "service.project_status", "7", "case_status")


def _no_object() -> None:
    for item in ("text", 7, None, ["a"]):
        for using in (plain(), alone()):
            found = using.examine(item, LATEST)
            assert [(one.code, one.severity, one.field) for one in found.problems] == [("field.type", "E", "record")]


def _correction() -> None:
    using = compiled(correction={"path": "evaluation.operation", "in": ["U"]})
    assert said(None, {"operation": "U"}, using).outcome.corrects
    assert not said(None, {"operation": "I"}, using).outcome.corrects
    assert not said(None, {"operation": "U"}).outcome.corrects
    alone_too = compile_mapping(
        source(evaluation=fields("evaluation"), correction={"path": "evaluation.operation", "in": ["U"]}), masters()
    )
    assert said(None, {"operation": "U"}, alone_too).outcome.corrects


def _optional() -> None:
    using = compiled({"mobile": None}, profile={"optional": ["mobile"]})
    item = {"service": {name: value for name, value in SERVICE.items() if name != "mobile"}, "evaluation": EVALUATION}
    assert (using.apply(item, RECEIVED).problems, len(using.apply(item, RECEIVED).records)) == ([], 2)
    both = compiled(profile={"optional": ["user_name"]})
    found = both.apply({"service": {}, "evaluation": {}}, RECEIVED)
    assert "user_name" not in {problem.field for problem in found.problems}


def _joined() -> None:
    """What only both together show is judged when they meet; place and item come from the case."""
    evaluation = prepare(*said(using=alone).outcome.records)
    assert (evaluation.area_code, evaluation.parent_key) == (None, "GA20261120-1#1")
    case = Case(at("10:05:00"), "511602000000", DEPARTMENT, TASK)
    joined, problems = alone().join(evaluation, case)
    assert (problems, joined.area_code, joined.dept_code, joined.task_code) == ([], *case[1:])
    _, problems = alone().join(evaluation, case._replace(service_time=at("10:05:01")))
    assert [(one.code, one.severity, one.field) for one in problems] == [("time.before_service", "E", "assess_time")]


def _alone_unrated() -> None:
    for nothing in ("0", None):
        found = said(None, {"satisfaction": nothing}, alone)
        assert (found.errors, found.outcome.unrated) == ({("satisfaction.unrated", "satisfaction")}, False)
    for changes, problem in (
        ({"channel": None}, ("field.required", "channel")),
        ({"assess_time": "2036-01-01 10:00:00"}, ("time.future", "assess_time")),
        ({"satisfaction": "6"}, ("satisfaction.unknown", "satisfaction")),
    ):
        assert said(None, changes, alone).errors == {problem}


def _services_alone() -> None:
    using = compile_mapping(source(service=fields("service")), masters())
    found = using.apply({"service": SERVICE}, RECEIVED)
    assert ([record.kind for record in found.records], found.problems, found.unrated) == (["service"], [], False)


def _revision() -> None:
    assert plain().revision is None
    number = compiled(revision={"path": "service.edition", "form": "number"}).revision
    moment = compiled(revision={"path": "service.edition", "form": "time"}).revision
    assert number is not None
    assert moment is not None
    assert number({"service": {"edition": 9}}) == f"{9:020}" < (number({"service": {"edition": "10"}}) or "")
    assert moment({"service": {"edition": "20261120100000"}}) == at("10:00:00")
    for unreadable in (None, "x", [], "2026-11-20"):
        assert number({"service": {"edition": unreadable}}) is None
        assert moment({"service": {"edition": unreadable}}) is None


def _declined() -> None:
    found = said(None, {"satisfaction": "0", "channel": "8", "writing_evaluation": "请打13800138000"})
    assert (found.errors, found.warnings) == (set(), {("satisfaction.unrated", "satisfaction")})
    later = {"service_time": "2036-11-21 10:00:00", "result_date": "2026-11-20 10:00:00"}
    for nothing in ("0", None):
        assert said(later, {"satisfaction": nothing}).errors == {("time.future", "service_time")}


def _keys() -> None:
    """A refused record knows the key that it would have had."""
    item = {
        "service": {"project_no": "GA1", "service_number": "01"},
        "evaluation": {"satisfaction": "5", "assess_number": "2"},
    }
    assert plain().key_of(item) == "GA1#1#2"
    assert plain().key_of({**item, "evaluation": {}}) == "GA1#1"
    assert plain().key_of({**item, "evaluation": {"satisfaction": "7", "assess_number": "1"}}) == "GA1#1#1"
    assert plain().key_of({"service": {"project_no": "GA1"}}) is None
    assert plain().key_of("text") is None


def _empty() -> None:
    """A default, or a code for nothing, also of an attribute that may be missing."""
    for declared in ({"default": "未命名"}, {"map": {"": "未命名", "*": "其他"}}):
        using = compiled(service={"project_name": {"path": "service.project_name", **declared}})
        assert said({"project_name": None}, using=using).service["project_name"] == "未命名"


OF_ONE = {"user_name": "欧阳无忌", "cert_key": "mark-of-one", "mobile": "13812345678"}


def _forgotten() -> None:
    """Vocabularies are remembered by their values; of a person nothing stays in this process once it is mapped."""
    masked = compiled(service={"user_name": {"path": "service.user_name", "map": {"*": "某人"}}})
    for using, name, seen in (
        *((plain(), name, seen) for name, seen in OF_ONE.items()),
        (masked, "user_name", "欧阳无忌"),
    ):
        value = "".join(seen)  # an object of its own, that no other check has shown to the source
        before = sys.getrefcount(value)
        for _ in range(2):
            record = {"service": {**SERVICE, name: value}, "evaluation": EVALUATION}
            using.examine(record, LATEST)
            using.page([record], RECEIVED)
            del record
        assert sys.getrefcount(value) == before, name


def _indicators() -> None:
    """On the wire ascending and once each, whoever wrote them."""
    for ticked, codes in (
        (["510", "517"], []),
        (["517", "510"], ["indicator.repeated"]),
        (["510", "510"], ["indicator.repeated"]),
    ):
        found = conflicts("evaluation", {**EVALUATION, "indicators": ticked})
        assert [one.code for one in found] == codes


TO_CLOSE = ("rectification", "feedback_time", "feedback_channel", "verify_result")


def _closing() -> None:
    assert check_rectification(RECTIFICATION) == []
    for name in TO_CLOSE:
        lacking = {key: value for key, value in RECTIFICATION.items() if key != name}
        (problem,) = check_rectification(lacking)
        assert (problem.code, problem.severity, problem.field) == ("rectification.close_incomplete", "E", name)
        assert check_rectification({**lacking, "status": "20"}) == []


def _rectification() -> None:
    for changes, code in (
        ({"status": "99"}, "code.unknown"),
        ({"rectification": "长" * 1001}, "field.length"),
        ({"work_order_no": ""}, "field.length"),
        ({"due_time": "2026-12-05"}, "field.type"),
        ({"cycle": "x"}, "field.type"),
    ):
        (problem,) = check_rectification({**RECTIFICATION, **changes})
        assert (problem.code, problem.severity, problem.field) == (code, "E", next(iter(changes)))
    (problem,) = check_rectification({key: value for key, value in RECTIFICATION.items() if key != "due_rule"})
    assert (problem.code, problem.field) == ("field.required", "due_rule")
