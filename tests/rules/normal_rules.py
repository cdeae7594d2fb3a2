"""Normalisation in order, times, regions in their time (records.md 4 and 5)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from gateway.mapping.times import FORMS, is_date_only, to_wire
from schemas.masters import Region, national_regions
from tests.rules.ground import OTHER_DEPARTMENT, PERSON, TASK, Rule, compiled, masters, resolved, said

NOON = "2026-11-20 12:00:00"
# region: (day, what is said of it that day), records.md 4
HISTORY: dict[str, list[tuple[str, str | None]]] = {
    "330114": [("2021-04-08", "region.unknown"), ("2021-04-09", None)],
    "330103": [("2021-04-08", None), ("2021-04-09", "region.retired")],
    "330104": [("2021-04-08", None), ("2021-04-09", "region.retired")],
    "540481": [("2023-03-23", "region.unknown"), ("2023-03-24", None)],
    "540422": [("2023-03-23", None), ("2023-03-24", "region.retired")],
    "659012": [("2023-01-17", "region.unknown"), ("2023-01-18", None)],
    "653228": [("2024-12-26", "region.unknown"), ("2024-12-27", None)],
    "653229": [("2024-12-26", "region.unknown"), ("2024-12-27", None)],
    "370882": [("2013-10-19", None), ("2013-10-20", "region.retired")],
}
NAMES = {
    "330114": "钱塘区",
    "330103": "下城区",
    "540481": "米林市",
    "659012": "白杨市",
    "441900": "东莞市",
    "460400": "儋州市",
    "370812": "兖州区",
}
SUCCESSORS = {"330103": "330105", "330104": "330102", "540422": "540481", "370882": "370812"}
COUNTYLESS = ("441900", "460400", "442000", "620200")
UNDER_PROVINCE = ("419001", "429004", "429005", "469001", "469021", "659001", "659012")
PLACEHOLDERS = ("110100", "310100", "500200", "429000", "469000", "659000", "419000", "441901", "460401", "511699")
TEXTS = (("\uff32\uff34\uff11", "RT1"), ("  A B ", "A B"), ("a\u200bb\x00c\ufeff", "abc"), ("㈱", "(株)"))


def rules() -> Iterator[Rule]:
    yield Rule("5 codes and names: NFKC, trimmed, without controls", _tidied)
    yield Rule("5 free text: trimmed only", _free_text)
    yield Rule("5 letters of codes to upper case", _upper)
    yield Rule("5 indicators ascending, without repeats", _indicators)
    yield Rule("5 counts without leading zeros", _counts)
    yield Rule("5 numbers are read as they are written", _numbers)
    yield Rule("5 region of 6, 9 and 12 digits", _region_digits)
    yield Rule("4 region below the county", _town)
    yield Rule("5 task code of 33 characters", _split)
    yield Rule("5 task code repeated as handling item", _repeated)
    for form, raw in TIMES_OF_NOON:
        yield Rule(f"times {form} {raw!r}", partial(_noon, form, raw))
    for form, raw in NO_TIMES:
        yield Rule(f"times not {form} {raw!r}", partial(_no_time, form, raw))
    yield Rule("times: a day is no midnight", _days)
    yield Rule("times: a moment without zone is UTC, wherever the machine stands", _no_zone)
    for code in HISTORY:
        yield Rule(f"4 region {code} in its time", partial(_in_its_time, code))
    for code, name in NAMES.items():
        yield Rule(f"4 region {code} {name}", partial(_named, code, name))
    for code, successor in SUCCESSORS.items():
        yield Rule(f"4 region {code} became {successor}", partial(_successor, code, successor))
    for code in (*COUNTYLESS, *UNDER_PROVINCE):
        yield Rule(f"4 region {code} and what it belongs to", partial(_belongs, code))
    for code in PLACEHOLDERS:
        yield Rule(f"4 placeholder {code} is no region", partial(_placeholder, code))


def _tidied() -> None:
    for raw, tidy in TEXTS:
        for name in ("user_name", "org_name", "task_name", "service_name", "project_name", "sub_matter"):
            assert said({name: raw}).service[name] == tidy


def _free_text() -> None:
    for raw in ("\uff32\uff34\uff11", "a\u200bb", "很 好\u3000啊", "第一行\n第二行", "㈱"):
        assert said(None, {"writing_evaluation": f" \u3000{raw}\n"}).evaluation["writing_evaluation"] == raw


def _upper() -> None:
    found = said({"cert_key_gov": PERSON.lower(), "org_code": OTHER_DEPARTMENT.lower()}).service
    assert (found["cert_key_gov"], found["org_code"]) == (PERSON, OTHER_DEPARTMENT)
    found = said({"user_page_type": "414", "cert_key_gov": "g12", "dept_code": OTHER_DEPARTMENT.lower()}).service
    assert (found["cert_key_gov"], found["dept_code"]) == ("G12", OTHER_DEPARTMENT)
    agent = {"handle_user_name": "abc", "handle_user_page_type": "414", "handle_user_page_code": "g12"}
    found = said(agent).service
    assert (found["handle_user_page_code"], found["handle_user_name"]) == ("G12", "abc")
    task = "a" * 31
    found = said({"task_code": task, "task_handle_item": task + "0b"}).service
    assert (found["task_code"], found["task_handle_item"]) == ("A" * 31, "A" * 31 + "0B")
    assert said({"cert_key": "MixedCase"}).service["cert_key"] == "MixedCase"
    using = compiled({"manager_no": {"path": "service.manager_no", "transform": ["upper"]}})
    assert said({"manager_no": "w-05"}, using=using).service["manager_no"] == "W-05"
    using = compiled({"manager_no": {"path": "service.manager_no", "transform": ["lower"]}})
    assert said({"manager_no": "W-05"}, using=using).service["manager_no"] == "w-05"


def _indicators() -> None:
    found = said(None, {"indicators": ["517", "510", "512", "510"]})
    assert found.evaluation["indicators"] == ["510", "512", "517"]
    assert said(None, {"indicators": []}).evaluation.get("indicators") is None
    assert said(None, {"indicators": [None, "", "510"]}).evaluation["indicators"] == ["510"]
    assert said(None, {"indicators": "510"}).evaluation["indicators"] == ["510"]
    assert said(None, {"indicators": "510 517"}).errors == {("field.type", "indicators")}


def _counts() -> None:
    found = said({"service_number": "07", "promise_day": "005"}, {"assess_number": "02"})
    assert (found.service["service_number"], found.service["promise_day"]) == ("7", "5")
    assert found.evaluation["assess_number"] == "2"
    assert said({"promise_day": "0", "anticipate_day": "000"}).service["anticipate_day"] == "0"


def _numbers() -> None:
    for raw in (1, 1.0, True, "1", "\uff11"):
        assert said({"service_number": raw}).service["service_number"] == "1"
    for raw in (1.5, 2.0**60, [1], {"a": 1}):
        assert said({"service_number": raw}).errors == {("field.type", "service_number")}
    assert said({"project_name": 0}).service["project_name"] == "0"  # and not nothing
    assert said({"result_date": 0}).errors == {("time.unparsable", "result_date")}


def _region_digits() -> None:
    for raw in ("511602", "511602000", "511602000000", 511602, " \uff15\uff11\uff11\uff16\uff10\uff12 "):
        assert said({"area_code": raw}).service["area_code"] == "511602000000"
    for raw in ("5116020", "51160200", "5116020000", "51160200000", "5116020000000", "51160x", "٥١١٦٠٢"):
        assert said({"area_code": raw}).errors == {("region.unknown", "area_code")}


def _town() -> None:
    """Nine digits name a town, which the deployment's own regions.csv knows, not the national table."""
    assert said({"area_code": "511602001"}).errors == {("region.unknown", "area_code")}
    town = Region("511602001000", "某街道", "511602000000", "4", "2020-01-01", "", "")
    known = replace(masters(), regions={**masters().regions, town.code: town})
    using = compiled(known_masters=known)
    for raw in ("511602001", "511602001000"):
        found = said({"area_code": raw}, using=using)
        assert (found.errors, found.service["area_code"]) == (set(), town.code)


def _split() -> None:
    base = {"task_handle_item": ""}
    found = said({**base, "task_code": TASK + "01"}, using=resolved).service
    assert (found["task_code"], found["task_handle_item"]) == (TASK, TASK + "01")
    found = said({**base, "task_code": TASK}, using=resolved).service
    assert (found["task_code"], found.get("task_handle_item")) == (TASK, None)
    by_path = compiled({"task_code": {"path": "service.task_code", "as": "item"}})
    found = said({"task_handle_item": None, "task_code": TASK + "01"}, using=by_path).service
    assert (found["task_code"], found["task_handle_item"]) == (TASK, TASK + "01")
    found = said({"task_handle_item": TASK + "02", "task_code": TASK}, using=by_path).service
    assert found["task_handle_item"] == TASK + "02"


def _repeated() -> None:
    for raw in (TASK, TASK.lower(), f" {TASK} "):
        found = said({"task_handle_item": raw})
        assert (found.errors, found.service.get("task_handle_item")) == (set(), None)
    assert said({"task_handle_item": TASK[:-1] + "9"}).errors == {("field.length", "task_handle_item")}


TIMES_OF_NOON: list[tuple[str, Any]] = [
    ("yyyy-MM-dd HH:mm:ss", NOON),
    ("yyyyMMddHHmmss", "20261120120000"),
    ("yyyyMMddHHmmss", "20261120T120000"),
    ("yyyyMMddHHmmss", 20261120120000),
    ("rfc3339", "2026-11-20T12:00:00+08:00"),
    ("rfc3339", "2026-11-20t04:00:00Z"),
    ("rfc3339", "2026-11-20 04:00:00z"),
    ("rfc3339", "2026-11-20T04:00:00.999Z"),
    ("rfc3339", "2026-11-19T23:00:00-05:00"),
    ("rfc3339", "2026-11-20T09:30:00+05:30"),
    ("rfc3339", "2026-11-20T12:00:00"),
    ("epoch_s", 1_795_147_200),
    ("epoch_s", "1795147200"),
    ("epoch_ms", 1_795_147_200_000),
    ("epoch_ms", "1795147200999"),
    ("excel_serial", "46346.5"),
    ("excel_serial", 46346.5),
    ("excel_serial_1904", "44884.5"),
]
NO_TIMES: list[tuple[str, Any]] = [
    ("yyyy-MM-dd HH:mm:ss", "2026-11-20T12:00:00"),
    ("yyyy-MM-dd HH:mm:ss", "2026/11/20 12:00:00"),
    ("yyyy-MM-dd HH:mm:ss", "2026-W47-5 12:00:00"),
    ("yyyy-MM-dd HH:mm:ss", "2026-02-29 12:00:00"),
    ("yyyy-MM-dd HH:mm:ss", 20261120120000),
    ("yyyyMMddHHmmss", "2026112012000"),
    ("yyyyMMddHHmmss", "20261320120000"),
    ("yyyyMMddHHmmss", "20261120240000"),
    ("rfc3339", "2026-11-20T12:00:00+0800"),
    ("rfc3339", "2026-11-20T24:00:00Z"),
    ("epoch_s", 1_795_147_200_000),
    ("epoch_s", -1),
    ("epoch_s", True),
    ("epoch_ms", 1_795_147_200),
    ("epoch_ms", "1795147200"),
    ("epoch_ms", -1_795_147_200_000),
    ("excel_serial", "46346"),
    ("excel_serial_1904", "44884"),
    ("excel_serial", "46346.0"),
    ("excel_serial", "20261120"),
    ("excel_serial", "146346.5"),
    ("excel_serial", "1.5"),
]


def _noon(form: str, raw: Any) -> None:
    using = compiled({"service_time": {"path": "service.service_time", "times": [form]}})
    found = said({"service_time": raw}, {"assess_time": NOON}, using)
    assert found.service["service_time"] == FORMS[form](raw) == NOON


def _no_time(form: str, raw: Any) -> None:
    using = compiled({"service_time": {"path": "service.service_time", "times": [form]}})
    ((code, field),) = said({"service_time": raw}, using=using).errors
    assert (code in {"time.unparsable", "time.date_only"}, field) == (True, "service_time")


def _no_zone() -> None:
    """The machine's own zone plays no part."""
    before = os.environ.get("TZ")
    try:
        for zone in ("Asia/Shanghai", "America/New_York"):
            os.environ["TZ"] = zone
            time.tzset()
            assert to_wire(datetime(2026, 11, 20, 4)) == NOON  # noqa: DTZ001 - that is the point
            assert to_wire(datetime(2026, 11, 20, 4, tzinfo=UTC)) == NOON
    finally:
        os.environ.pop("TZ", None)
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


def _days() -> None:
    for raw in ("2026-11-20", "20261120", "2026/1/2", "2026年1月2日", "2026.11.20", " 2026-11-20 "):
        assert is_date_only(raw, ())
    assert is_date_only("46346", ("excel_serial",))
    assert is_date_only("44884", ("excel_serial_1904",))
    assert is_date_only(46346.0, ("excel_serial",))
    for raw in (NOON, "46346", None, "2026"):
        assert not is_date_only(raw, ())
    using = compiled({"service_time": {"path": "service.service_time", "times": ["excel_serial"]}})
    assert said({"service_time": 46346}, using=using).errors == {("time.date_only", "service_time")}
    assert said({"service_time": "20261120"}).errors == {("time.date_only", "service_time")}


def _in_its_time(code: str) -> None:
    region = national_regions()[code + "000000"]
    above = code[:2] + "00" if code.startswith("659") else code[:4]
    assert (region.level, region.parent) == ("3", above.ljust(12, "0"))
    for day, expected in HISTORY[code]:
        times = dict.fromkeys(("service_time", "apply_date", "accept_date", "result_date"), f"{day} 08:00:00")
        area = code + "000000"
        found = said({**times, "area_code": area, "data_source": "1" + code[:2]}, {"assess_time": f"{day} 09:00:00"})
        problem = {(expected, "area_code")} if expected else set()
        assert found.errors | found.warnings == problem, (code, day)
        if expected != "region.unknown":
            assert found.service["area_code"] == area, "the code of the day is kept"
        else:
            assert found.errors == problem


def _named(code: str, name: str) -> None:
    assert national_regions()[code + "000000"].name == name


def _successor(code: str, successor: str) -> None:
    regions = national_regions()
    assert regions[code + "000000"].replaced_by == successor + "000000"
    new = regions[successor + "000000"]
    assert (new.valid_on("2026-11-20"), new.level, new.parent) == (True, "3", successor[:4].ljust(12, "0"))
    day = regions[code + "000000"].valid_to
    times = dict.fromkeys(("service_time", "apply_date", "accept_date", "result_date"), f"{day} 08:00:00")
    changed = {**times, "area_code": code + "000000", "data_source": "1" + code[:2]}
    found = said(changed, {"assess_time": f"{day} 09:00:00"})
    (told,) = [problem for problem in found.outcome.problems if problem.code == "region.retired"]
    assert told.remedy == successor + "000000"


def _belongs(code: str) -> None:
    region = national_regions()[code + "000000"]
    parent = code[:2] + "0" * 10
    assert (region.parent, region.level) == (parent, "2" if code.endswith("00") else "3")
    assert national_regions()[parent].level == "1"
    assert region.valid_on("2026-11-20")


def _placeholder(code: str) -> None:
    assert said({"area_code": code, "data_source": "1" + code[:2]}).errors == {("region.unknown", "area_code")}
