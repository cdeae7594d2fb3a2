"""Every trap of code-lists.json, as a source file would declare it: what looks national and is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache, partial
from typing import Any

from gateway.errors import Misconfigured
from gateway.mapping import Mapping as Compiled
from gateway.mapping import prepare
from gateway.mapping.round import moment_key_of, numbered, seat
from schemas.resource import read_json
from tests.rules.ground import DEPARTMENT, OTHER_DEPARTMENT, PERSON, TASK, Rule, compiled, masters, said
from tests.rules.trap_tables import ABSENT, ELSEWHERE, EVALUATED, NAMED, TABLED, UNRATED
from tests.rules.written.traps import TRAPS


def rules() -> Iterator[Rule]:
    for name, trap in TABLED.items():
        for raw, expected in trap.becomes.items():
            yield Rule(f"trap {name}: {raw} → {expected}", partial(_becomes, name, raw, expected))
    for name, written in TRAPS.items():
        yield Rule(f"trap {name}: as the page says", partial(_as_written, name, *written))
    yield Rule("table status-names", _status_names)
    yield Rule("table columns: undecided ones are refused", _undecided)
    yield Rule("trap pf-zj-2019: a default rating", _default_rating)
    yield Rule("trap pf-ah-text: by the model of the device", _by_device)
    yield Rule("trap case-source-si: a source is no channel", _case_source)
    yield Rule("trap cert-kind-mismatch", _kind_mismatch)
    yield Rule("trap tasktype-clash-zf: by profile, not by name", _by_profile)
    yield Rule("trap datasource-copy", _copied_source)
    yield Rule("trap org-code-form", _org_code)
    yield Rule("trap round-sd: by the order of evaluations", _by_order)
    yield Rule("trap round-sd: a round that is held keeps its number", _seats)
    yield Rule("trap round-sd: numbered on the wire as well", _numbered)
    yield Rule("a map's other values are values: none stays none", _nothing_is_no_other)
    yield Rule("trap task-code-33", _task_code)
    yield Rule("trap task-code-guid", _guid)
    yield Rule("trap cert-key-plain", _plain_key)
    yield Rule("trap spelling-certkeygov", _spelling)
    yield Rule("trap indicator-device-pipe", _piped)
    yield Rule("trap indicator-fj-pairs", _pairs)
    yield Rule("trap indicator-314-typo", _misspelt)
    yield Rule("trap area-short", _short_area)
    yield Rule("trap area-renamed", _renamed)
    yield Rule("trap datetime-forms", _datetimes)
    yield Rule("every trap is expressed or belongs elsewhere", _complete)


@cache
def _mapping(name: str) -> Compiled:
    trap = TABLED[name]
    return declared(trap.attribute, {"path": f"{_kind(trap.attribute)}.raw", **trap.declared})


def _kind(attribute: str) -> str:
    return "evaluation" if attribute in EVALUATED else "service"


def declared(attribute: str, spec: dict[str, Any], **more: Any) -> Compiled:
    changes = {attribute: spec}
    return compiled(None, changes, **more) if _kind(attribute) == "evaluation" else compiled(changes, None, **more)


def _becomes(name: str, raw: Any, expected: Any) -> None:
    trap = TABLED[name]
    evaluated = _kind(trap.attribute) == "evaluation"
    changes = {"raw": raw}
    service = {"cert_key_gov": None} if trap.attribute == "user_page_type" else {}
    found = (
        said(service, {**changes, "indicators": None}, _mapping(name))
        if evaluated
        else said({**service, **changes}, None, _mapping(name))
    )
    if expected == UNRATED:
        assert (found.errors, found.outcome.unrated, found.evaluation) == (set(), True, {})
    elif expected == ABSENT:
        assert (found.errors, found.evaluation.get(trap.attribute)) == (set(), None)
    elif "." in str(expected):
        assert found.errors == {(expected, trap.attribute)}
    else:
        kept = found.evaluation if evaluated else found.service
        assert (found.errors, kept.get(trap.attribute)) == (set(), expected)
        assert (("coarse.applicant_type", "user_prop") in found.warnings) == (raw in trap.coarse)
        assert (("item.type_fallback", "task_type") in found.warnings) == (expected == "99")


def _as_written(name: str, code_list: str, confidence: str, mapping: dict[str, str | None]) -> None:
    """The gateway's own copies of the page, and the shared table where there is one, say the same."""
    (page,) = [trap for trap in read_json("code_lists.json")["source_traps"] if trap["id"] == name]
    assert (page["list"], page["confidence"], page["mapping"]) == (code_list, confidence, mapping)
    shared = masters().tables.get(name)
    if shared is not None:
        assert (shared.list_, shared.decided) == (code_list, confidence != "undecided")
        for raw, code in mapping.items() if shared.decided and name != "status-sd-backend" else ():
            assert shared.map[raw] == code


def _status_names() -> None:
    shared = masters().tables["status-names"]
    assert (shared.list_, shared.decided, shared.map) == ("case_status", True, NAMED["status-names"])


def _undecided() -> None:
    for attribute, name in (
        ("satisfaction", "sat-three-level"),
        ("satisfaction", "sat-hotline-b"),
        ("channel", "pf-ah-text"),
    ):
        try:
            declared(attribute, {"path": "evaluation.raw", "table": name})
        except Misconfigured as refused:
            code = refused.code
        else:
            code = ""
        assert code == "mapping.table_undecided"


def _default_rating() -> None:
    """Channel 7 of 2019 is a default rating: marked so, and not forwarded since its channel is unknown."""
    flag = {"path": "evaluation.raw", "map": {"7": "1", "*": "0"}}
    origin = {"path": "evaluation.raw", "map": {"7": "default", "*": "active"}}
    using = compiled(
        None, {"channel": {"path": "evaluation.raw", "table": "pf-zj-2019"}, "is_default": flag, "origin": origin}
    )
    assert said(None, {"raw": "7"}, using).errors == {("field.required", "channel")}
    assert said(None, {"raw": "6"}, using).evaluation["origin"] == "active"


def _by_device() -> None:
    using = declared("channel", {"path": "evaluation.model", "map": {"平板A": "4", "评价器B": "5"}})
    assert said(None, {"model": "平板A"}, using).evaluation["channel"] == "4"
    assert said(None, {"model": "PJQ"}, using).errors == {("source.unmapped", "channel")}


def _case_source() -> None:
    using = declared("channel", {"value": "5"})
    assert said(None, {"proSource": "1"}, using).evaluation["channel"] == "5"


def _kind_mismatch() -> None:
    found = said({"user_prop": "2"})
    assert (found.errors, found.warnings) == (set(), {("identity.kind_mismatch", "user_page_type")})


def _by_profile() -> None:
    using = compiled(
        {
            "project_type": {"path": "service.taskType", "map": {"即办": "1", "承诺": "2"}},
            "user_prop": {"path": "service.subMatter"},
            "task_type": {"path": "service.kind"},
            "sub_matter": None,
        }
    )
    found = said({"taskType": "承诺", "subMatter": "1", "kind": "05"}, using=using).service
    assert (found["project_type"], found["user_prop"], found["task_type"], found.get("sub_matter")) == (
        "2",
        "1",
        "05",
        None,
    )


def _copied_source() -> None:
    found = said({"data_source": "165"})
    assert (found.warnings, found.service["data_source"]) == ({("region.source_mismatch", "data_source")}, "165")


def _nothing_is_no_other() -> None:
    for name in ("tasktype-sd", "prop-sd-backend", "stage-fj"):
        attribute = TABLED[name].attribute
        for nothing in (None, "", " "):
            assert said({"raw": nothing}, None, _mapping(name)).errors == {("field.required", attribute)}


def _org_code() -> None:
    long = "511602000000_" + DEPARTMENT
    assert said({"org_code": long}).service["org_code"] == long
    assert said({"org_code": OTHER_DEPARTMENT}).service["org_code"] == OTHER_DEPARTMENT


def _by_order() -> None:
    """What the source sends as its number is not looked at; until it is numbered, its time names it."""
    using = declared("assess_number", {"order": "assess_time"})
    assert (using.orders, compiled().orders) == (True, False)
    assert said(None, {"assess_number": "7"}, using).evaluation["assess_number"] == "1"
    item: dict[str, Any] = {"service": {"project_no": "GA1", "service_number": "2"}}
    rated = {"satisfaction": "5", "assess_time": "2026-11-20 10:05:00", "assess_number": "2"}
    assert using.key_of({**item, "evaluation": rated}) == "GA1#2#2026-11-20 10:05:00"
    assert using.key_of({**item, "evaluation": {**rated, "assess_time": "gestern"}}) is None
    assert using.key_of({**item, "evaluation": {"satisfaction": "0"}}) == "GA1#2"


def _seats() -> None:
    first, second, third = (datetime(2026, 11, 20, hour) for hour in (1, 2, 3))  # noqa: DTZ001 - UTC by contract
    assert seat({}, first) == (1, False)
    assert seat({1: first}, second) == (2, False)
    assert seat({1: first, 2: second}, third) == (3, False)
    assert seat({1: second}, first) == (2, True)
    assert seat({1: first, 2: third}, second) == (3, True)
    assert seat({2: second}, first) == (1, False), "a number that nobody has is there to be had"
    assert seat({1: first, 3: third}, second) == (2, False)
    assert seat({1: first}, first) == (2, True)
    assert seat({2: first}, first) == (3, True)


def _numbered() -> None:
    records = said(None, None, declared("assess_number", {"order": "assess_time"})).outcome.records
    first = prepare(records[1])
    assert numbered(first, 1) == first
    second = {"assess_number": "2"}
    alike = records[1]._replace(key=f"{first.parent_key}#2", content={**records[1].content, **second})
    assert numbered(first, 2) == prepare(alike)
    assert moment_key_of(first) == f"{first.parent_key}#2026-11-20 10:05:00"


BY_ITEM = {"task_code": {"path": "service.task_code", "as": "item"}}


def _task_code() -> None:
    using = compiled(BY_ITEM)
    found = said({"task_code": TASK + "01", "task_handle_item": None}, using=using)
    assert found.warnings == {("item.code_split", "task_code")}
    assert (found.service["task_code"], found.service["task_handle_item"]) == (TASK, TASK + "01")
    found = said({"task_code": TASK, "task_handle_item": TASK}, using=using)
    assert (found.warnings, found.service.get("task_handle_item")) == (set(), None)


def _guid() -> None:
    using = compiled(BY_ITEM)
    assert said({"task_code": "guid-0123456789abcdef"}, using=using).service["task_code"] == TASK
    assert said({"task_code": "0" * 32}, using=using).errors == {("item.unknown", "task_code")}
    for nothing in (None, "", " "):
        assert said({"task_code": nothing, "task_handle_item": None}, using=using).errors == {
            ("field.required", "task_code")
        }


def _plain_key() -> None:
    found = said({"cert_key": PERSON})
    assert found.warnings == {("identity.plain_cert_key", "cert_key")}
    assert found.outcome.records[0].personal["cert_key"] == PERSON


def _spelling() -> None:
    for spelt in ("certkeyGOV", "certKeyGOV", "Certkeygov"):
        using = compiled({"cert_key_gov": {"path": f"service.{spelt}"}})
        assert said({"cert_key_gov": None, spelt: PERSON}, using=using).service["cert_key_gov"] == PERSON


def _piped() -> None:
    using = declared("indicators", {"path": "evaluation.indicators", "separator": "|"})
    assert said(None, {"indicators": "517|510|"}, using).evaluation["indicators"] == ["510", "517"]
    assert said(None, {"indicators": "517,510"}, using).errors == {("field.type", "indicators")}
    for nothing in (None, "", " "):
        assert said(None, {"indicators": nothing}, using).evaluation.get("indicators") is None


def _pairs() -> None:
    one = {"path": "evaluation.content", "separator": "|", "by": "pair"}
    using = compiled(None, {"indicators": one, "writing_evaluation": one})

    def told(content: str) -> tuple[Any, Any, Any]:
        found = said(None, {"content": content}, using)
        values = found.evaluation
        return found.errors, values.get("indicators"), values.get("writing_evaluation")

    assert told("服务热情效率高,517|一窗受理一次办结,510|办得 快 ") == (set(), ["510", "517"], "办得 快")
    assert told("服务热情效率高,517") == (set(), ["517"], None)
    assert told("服务热情效率高,517|窗口，态度好；\uff2f\uff2b") == (set(), ["517"], "窗口，态度好；\uff2f\uff2b")
    assert told("只有文字") == (set(), None, "只有文字")
    assert told("") == (set(), None, None)
    assert told("没有代码|服务热情效率高,517")[0] == {("field.type", "indicators")}
    assert told("服务热情效率高,517|快,很快")[0] == {("field.type", "indicators")}
    assert not using.is_quick


def _misspelt() -> None:
    """A label with a missing character gets its code from the site's own table; labels as printed need none."""
    using = declared(
        "indicators", {"path": "evaluation.indicators", "separator": ";", "by": "name", "map": {"服务态一般": "314"}}
    )
    for raw, codes in (
        ("服务态一般", ["314"]),
        ("服务态度一般;服务态一般", ["314"]),
        ("服务态一般;办事指南指引准确", ["310", "314"]),
    ):
        assert said(None, {"satisfaction": "3", "indicators": raw}, using).evaluation["indicators"] == codes
    assert said(None, {"satisfaction": "3", "indicators": "服务一般"}, using).errors == {
        ("source.unmapped", "indicators")
    }
    unread = said(None, {"satisfaction": "9", "indicators": "服务态度一般"}, using)
    assert unread.errors == {("satisfaction.unknown", "satisfaction")}
    by_code = declared("indicators", {"path": "evaluation.indicators", "map": {"A1": "510", "A2": None}})
    assert said(None, {"indicators": ["A1", "511", "A2"]}, by_code).evaluation["indicators"] == ["510", "511"]


def _short_area() -> None:
    using = compiled(
        {
            "area_code": {
                "path": "service.area_code",
                "as": "region",
                "map": {"00": "511600000000", "02": "511602", "99": None},
            }
        }
    )
    assert said({"area_code": "00"}, using=using).service["area_code"] == "511600000000"
    found = said({"area_code": "02"}, using=using)
    assert (found.service["area_code"], found.warnings) == (
        "511602000000",
        {("region.short", "area_code")} & found.warnings,
    )
    assert said({"area_code": "511602"}, using=using).service["area_code"] == "511602000000"
    assert said({"area_code": "01"}, using=using).errors == {("region.unknown", "area_code")}
    assert said({"area_code": "99"}, using=using).errors == {("field.required", "area_code")}


def _renamed() -> None:
    found = said({"area_code": "370882", "data_source": "137"})
    assert found.warnings == {("region.short", "area_code"), ("region.retired", "area_code")}
    assert found.service["area_code"] == "370882000000"


def _datetimes() -> None:
    for raw in ("20261120100000", "20261120T100000"):
        assert said({"service_time": raw}).service["service_time"] == "2026-11-20 10:00:00"


def _complete() -> None:
    expressed = {
        rule.name.split(": ")[0].removeprefix("trap ") for rule in rules() if not rule.name.endswith("page says")
    }
    network = {"eventtype-zf"}  # eventType is the network of a case: no attribute of a record, so nothing is mapped
    assert {*TRAPS} - expressed == {*ELSEWHERE} | network
