"""Every problem code of records.md section 7 that mapping owns: one spoiled value, exactly that problem."""

from __future__ import annotations

from typing import Any

import pytest

from gateway import messages
from gateway.domain.problem import PROBLEMS
from gateway.mapping import compile_mapping, sentence
from gateway.mapping.rectification import check_rectification
from tests.unit.mapping.sample import RECEIVED, codes, mapping, masters, outcome, source, spec, spoiled

LONG = "长" * 501
CASES: list[tuple[str, dict[str, Any]]] = [
    ("field.required", {"who__name": None}),
    ("field.required", {"who__name": "  "}),
    ("field.required", {"who__mobile": ""}),
    ("field.required", {"days": None}),
    ("field.required", {"eval__pf": None}),
    ("field.length", {"who__name": "名" * 101}),
    ("field.length", {"eval__text": LONG}),
    ("field.length", {"days": "1000"}),
    ("field.type", {"n": "首次"}),
    ("field.type", {"n": "0"}),
    ("field.type", {"org": "513422"}),
    ("field.type", {"title": ["a list"]}),
    ("field.type", {"eval__reasons": ["5x0"]}),
    ("code.unknown", {"status": "7"}),
    ("code.unknown", {"eval__pf": "8"}),
    ("source.unmapped", {"kind": "上报件"}),
    ("satisfaction.unknown", {"eval__level": "6"}),
    ("satisfaction.unknown", {"eval__level": "很好"}),
    ("evaluation.negative_without_detail", {"eval__level": "1", "eval__reasons": [], "eval__text": " "}),
    ("evaluation.default_origin_conflict", {"eval__auto": "1"}),
    ("evaluation.default_origin_conflict", {"eval__origin": "system"}),
    ("indicator.level_mismatch", {"eval__reasons": ["510", "410"]}),
    ("time.unparsable", {"at": "不详"}),
    ("time.unparsable", {"at": "2026-13-40 10:00:00"}),
    ("time.unparsable", {"apply": "2026-02-30 10:00:00"}),
    ("time.date_only", {"at": "2026-11-20"}),
    ("time.date_only", {"result": "20261120"}),
    ("time.future", {"eval__at": "2036-11-20 10:05:00"}),
    ("time.order", {"apply": "2026-11-20 09:00:00"}),
    ("time.order", {"result": "2026-11-20 08:10:00"}),
    ("time.before_service", {"eval__at": "2026-11-20 09:59:59"}),
    ("status.date_missing", {"result": None}),
    ("status.date_missing", {"status": "2", "accept": None, "result": None}),
    ("region.unknown", {"area": "511699"}),
    ("region.unknown", {"area": "00"}),
    ("org.check_digit", {"dept": "115113016823646796"}),
    ("org.unknown", {"dept": "11440232MB2D06811W"}),
    ("item.unknown", {"task": "no-such-item"}),
    ("item.code_format", {"task": "bad-form"}),
    ("item.handle_prefix", {"handle": "9" * 33}),
    ("identity.missing", {"who__cert": None}),
    ("identity.check_digit", {"who__cert": "110105194912310021"}),
    ("identity.check_digit", {"prop": "2", "who__certType": "001", "who__cert": "11440232MB2D06811X"}),
    ("agent.incomplete", {"agent__name": "李四"}),
    ("project_no.charset", {"no": "GA2026第1号"}),
    ("project_no.charset", {"no": "GA 2026"}),
]
WARNINGS: list[tuple[str, dict[str, Any]]] = [
    ("satisfaction.unrated", {"eval__level": "0"}),
    ("satisfaction.unrated", {"eval": None}),
    ("satisfaction.unrated", {"eval__level": None}),
    ("indicator.unknown", {"eval__reasons": ["599"]}),
    ("indicator.disabled", {"eval__reasons": ["501"]}),
    ("indicator.repeated", {"eval__reasons": ["510", "510"]}),
    ("text.contains_personal_data", {"eval__text": "请打13800138000联系"}),
    ("text.contains_personal_data", {"eval__text": "身份证11010519491231002X"}),
    ("time.accept_after_service", {"accept": "2026-11-20 10:30:00", "result": "2026-11-20 10:40:00"}),
    ("region.short", {"area": "511602"}),
    ("region.short", {"area": "511602000"}),
    ("region.source_mismatch", {"source": "137"}),
    ("item.type_fallback", {"task": "other-type"}),
    ("item.local_only", {"task": "local"}),
    ("identity.plain_cert_key", {"who__mark": "11010519491231002x", "who__cert": None}),
    ("identity.kind_mismatch", {"prop": "2"}),
    ("mobile.format", {"who__mobile": "12345"}),
    ("code.unknown", {"eval__round": 3}),
]


@pytest.mark.parametrize(("code", "changes"), CASES)
def test_a_fault_stops_the_record_and_only_it_is_named(code: str, changes: dict[str, Any]) -> None:
    found = outcome(spoiled(**changes))
    assert {problem.code for problem in found.problems if problem.severity == "E"} == {code}
    assert found.records == []


@pytest.mark.parametrize(("code", "changes"), WARNINGS)
def test_a_warning_lets_the_record_pass(code: str, changes: dict[str, Any]) -> None:
    found = outcome(spoiled(**changes))
    assert codes(found) == {code}
    assert all(problem.severity == "W" for problem in found.problems)
    assert [record.kind for record in found.records][:1] == ["service"]


def test_the_clean_record_has_no_problem() -> None:
    found = outcome(spoiled())
    assert found.problems == []
    assert [record.key for record in found.records] == ["GA20261120-1#1", "GA20261120-1#1#1"]
    assert (found.corrects, found.unrated) == (False, False)


def test_service_time_in_the_future() -> None:
    late = dict.fromkeys(("at", "eval__at"), "2036-11-20 10:00:00")
    assert codes(outcome(spoiled(**late))) == {"time.future"}
    within_skew = spoiled(at="2026-11-21 10:00:00", eval__at="2026-11-21 10:05:00")
    assert codes(outcome(within_skew)) == set()
    assert codes(outcome(spoiled(at="2026-11-21 10:00:00", eval__at="2026-11-21 10:05:01"))) == {"time.future"}


def test_all_problems_at_once_with_field_path_and_value() -> None:
    found = outcome(spoiled(status="7", who__name="", area="511699"))
    assert {(problem.code, problem.field, problem.source_path, problem.value) for problem in found.problems} == {
        ("code.unknown", "project_status", "status", "7"),
        ("field.required", "user_name", "who.name", None),
        ("region.unknown", "area_code", "area", "511699"),
    }
    assert next(problem.remedy for problem in found.problems if problem.code == "region.unknown").startswith("5116")


def test_a_region_is_judged_at_the_time_of_service() -> None:
    def service_in(area: str, day: str) -> set[str]:
        times = dict.fromkeys(("at", "apply", "accept", "result", "eval__at"), f"{day} 08:00:00")
        return codes(outcome(spoiled(area=area, source="133", **times)))

    assert service_in("330103000000", "2020-05-01") == set()
    assert service_in("330103000000", "2021-05-01") == {"region.retired"}
    assert service_in("330114000000", "2020-05-01") == {"region.unknown"}
    assert service_in("330114000000", "2021-05-01") == set()


def test_a_split_code_leaves_task_and_handling_item() -> None:
    using = compile_mapping(source(spec(service__task_handle_item={"item": "handle_item"})), masters())
    task = spoiled()["task"]
    item = masters().items["511602"][task].task_code
    found = outcome(spoiled(task=item + "01"), using)
    assert codes(found) == {"item.code_split"}
    assert found.records[0].content["task_code"] == item
    assert found.records[0].content["task_handle_item"] == item + "01"
    whole = outcome(spoiled(task=item), using)
    assert whole.problems == []
    assert "task_handle_item" not in whole.records[0].content


def test_a_coarse_list_is_marked() -> None:
    coarse = {"path": "prop", "map": {"个人": "1", "企业": "2"}, "coarse": True}
    using = compile_mapping(source(spec(service__user_prop=coarse)), masters())
    assert codes(outcome(spoiled(prop="个人"), using)) == {"coarse.applicant_type"}


def test_a_complete_agent_passes_and_a_wrong_number_does_not() -> None:
    agent = {"agent__name": "李四", "agent__certType": "111", "agent__cert": "11010519491231002X"}
    assert codes(outcome(spoiled(**agent))) == set()
    assert codes(outcome(spoiled(**agent | {"agent__cert": "110105194912310029"}))) == {"identity.check_digit"}


def test_a_profile_raises_warnings_and_lowers_eased_codes_only() -> None:
    using = compile_mapping(source(spec(profile={"raise": ["mobile.format"], "lower": ["org.unknown"]})), masters())
    assert outcome(spoiled(who__mobile="12345"), using).records == []
    eased = outcome(spoiled(dept="11440232MB2D06811W"), using)
    assert len(eased.records) == 2
    assert eased.problems[0].severity == "W"
    assert eased.records[0].dept_code == "11440232MB2D06811W"


def test_an_unrated_service_makes_no_evaluation() -> None:
    found = outcome(spoiled(eval__level="0", eval__text="13800138000"))
    assert [record.kind for record in found.records] == ["service"]
    assert found.unrated


def test_a_correction_is_marked() -> None:
    assert outcome(spoiled() | {"fix": True}).corrects
    assert not outcome(spoiled() | {"fix": False}).corrects


def test_personal_data_stands_apart() -> None:
    service, evaluation = outcome(spoiled()).records
    assert service.personal == {"user_name": "张三", "cert_key_gov": "11010519491231002X", "mobile": "13800138000"}
    assert evaluation.personal == {"writing_evaluation": "很好"}
    assert not {"user_name", "mobile", "cert_key_gov"} & service.content.keys()


def test_a_rectification_is_closed_only_when_complete() -> None:
    record = {
        "project_no": "GA1",
        "service_number": "1",
        "assess_number": "1",
        "cycle": "1",
        "work_order_no": "W1",
        "dept_code": "115113016823646795",
        "dept_name": "区行政审批局",
        "status": "90",
        "due_time": "2026-12-01 18:00:00",
        "due_rule": "r1",
        "review_status": "1",
        "operation": "I",
    }
    lacking = {problem.field for problem in check_rectification(record)}
    assert lacking == {"rectification", "feedback_time", "feedback_channel", "verify_result"}
    done = {"rectification": "已整改", "feedback_time": "2026-11-30 10:00:00", "feedback_channel": "phone"}
    assert check_rectification({**record, **done, "verify_result": "true"}) == []
    assert check_rectification({**record, **done, "verify_result": "maybe"})[0].code == "code.unknown"


def test_every_code_has_a_sentence_in_both_languages() -> None:
    for code in PROBLEMS:
        assert f"problem.{code}" in messages.catalogue("zh")
        assert f"problem.{code}" in messages.catalogue("en")


def test_sentences_mask_personal_values() -> None:
    problem = outcome(spoiled(who__cert="110105194912310021")).problems[0]
    for lang in ("zh", "en"):
        shown = sentence(problem, lang)
        assert "110105194912310021" not in shown
        assert "who.cert" in shown


def test_what_is_not_an_object_is_refused() -> None:
    assert codes(mapping().apply("text", RECEIVED)) == {"field.type"}
