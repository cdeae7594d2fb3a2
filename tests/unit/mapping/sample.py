"""One clean source record and its mapping, for tests that spoil one thing at a time."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from functools import cache
from typing import Any

from gateway.mapping import Entries, Mapping, Masters, Outcome, compile_mapping
from gateway.mapping.masters import SharedTable
from schemas.masters import Item, Organisation
from schemas.source import SourceFile

RECEIVED = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
DEPARTMENT = "115113016823646795"
TASK = "1151130168236467954510125948743"
ITEM = Item("511A-1", TASK, "种畜禽生产经营许可证信息变更", "01", "4", DEPARTMENT, "区行政审批局", "511602000000")
OTHERS = (
    ITEM._replace(source_code="local", local_only="1"),
    ITEM._replace(source_code="other-type", task_type="99"),
    ITEM._replace(source_code="bad-form", task_code="511602-not-a-task-code-000000000"[:31]),
)

SERVICE: dict[str, Any] = {
    "area_code": {"path": "area", "as": "region"},
    "dept_code": {"path": "dept", "as": "organisation"},
    "org_code": {"path": "org"},
    "org_name": {"path": "orgName"},
    "task_code": {"path": "task", "as": "item"},
    "task_handle_item": {"path": "handle"},
    "task_name": {"item": "task_name"},
    "task_type": {"item": "task_type"},
    "project_no": {"path": "no"},
    "project_name": {"path": "title"},
    "project_status": {"path": "status"},
    "project_type": {"path": "kind", "map": {"即办件": 1, "承诺件": 2, "草稿": None}},
    "project_channel": {"value": 1},
    "promise_day": {"path": "days"},
    "promise_type": {"path": "unit"},
    "user_prop": {"path": "prop"},
    "user_name": {"path": "who.name"},
    "user_page_type": {"path": "who.certType"},
    "cert_key": {"path": "who.mark"},
    "cert_key_gov": {"path": "who.cert"},
    "handle_user_name": {"path": "agent.name"},
    "handle_user_page_type": {"path": "agent.certType"},
    "handle_user_page_code": {"path": "agent.cert"},
    "mobile": {"path": "who.mobile"},
    "service_name": {"path": "service"},
    "service_stage": {"path": "service", "map": {"办结": "finish", "*": "other"}},
    "service_number": {"path": "n"},
    "service_time": {"path": "at"},
    "apply_date": {"path": "apply"},
    "accept_date": {"path": "accept"},
    "result_date": {"path": "result"},
    "data_source": {"path": "source"},
}
EVALUATION: dict[str, Any] = {
    "assess_number": {"path": "eval.round"},
    "satisfaction": {"path": "eval.level", "scale": "national", "unrated": ["0"]},
    "channel": {"path": "eval.pf"},
    "indicators": {"path": "eval.reasons"},
    "writing_evaluation": {"path": "eval.text"},
    "assess_time": {"path": "eval.at"},
    "is_default": {"path": "eval.auto"},
    "origin": {"path": "eval.origin", "map": {"person": "active", "system": "default"}},
    "operation": {"value": "I"},
}
RECORD: dict[str, Any] = {
    "area": "511602000000",
    "dept": DEPARTMENT,
    "org": DEPARTMENT,
    "orgName": "区行政审批局",
    "task": "511A-1",
    "handle": None,
    "no": "GA20261120-1",
    "title": "关于变更的申请",
    "status": "3",
    "kind": "即办件",
    "days": 5,
    "unit": "1",
    "prop": "1",
    "who": {"name": "张三", "certType": "111", "mark": None, "cert": "11010519491231002X", "mobile": "13800138000"},
    "agent": {"name": None, "certType": None, "cert": None},
    "service": "办结",
    "n": 1,
    "at": "2026-11-20 10:00:00",
    "apply": "2026-11-20 08:00:00",
    "accept": "2026-11-20 08:30:00",
    "result": "2026-11-20 09:30:00",
    "source": "151",
    "eval": {
        "round": 1,
        "level": "5",
        "pf": "1",
        "reasons": ["510", "517"],
        "text": "很好",
        "at": "2026-11-20 10:05:00",
        "auto": "0",
        "origin": "person",
    },
}


def masters(**tables: SharedTable) -> Masters:
    items = {item.source_code: item for item in (ITEM, *OTHERS)} | {TASK: ITEM}
    departments = {DEPARTMENT: Organisation(DEPARTMENT, "区行政审批局", "511602000000")}
    return Masters(items={"511602": items}, organisations=departments, tables=tables)


def source(mapping: dict[str, Any] | None = None) -> SourceFile:
    return SourceFile(
        source="test_source",
        name="测试",
        connector="rest",
        connection="test",
        owner="测试单位",
        region="511602000000",
        mapping=mapping or {"service": SERVICE, "evaluation": EVALUATION, "correction": {"path": "fix", "in": [True]}},
    )


def spec(**changes: Any) -> dict[str, Any]:
    """The sample's mapping with ``kind.attribute`` (as ``kind__attribute``) replaced, or a section replaced."""
    made: dict[str, Any] = {"service": copy.deepcopy(SERVICE), "evaluation": copy.deepcopy(EVALUATION)}
    for name, value in changes.items():
        kind, _, attribute = name.partition("__")
        if not attribute:
            made[kind] = value
        elif value is None:
            del made[kind][attribute]
        else:
            made[kind][attribute] = value
    return made


@cache
def mapping() -> Mapping:
    return compile_mapping(source(), masters())


def spoiled(**changes: Any) -> dict[str, Any]:
    """The clean record with values replaced; ``who__name`` reaches one level down."""
    record = copy.deepcopy(RECORD)
    for name, value in changes.items():
        above, _, leaf = name.partition("__")
        if leaf:
            record[above][leaf] = value
        else:
            record[above] = value
    return record


def outcome(record: dict[str, Any], using: Mapping | None = None) -> Outcome:
    return (using or mapping()).apply(record, RECEIVED)


def codes(found: Outcome) -> set[str]:
    return {problem.code for problem in found.problems}


def entries(record: Any, using: Mapping | None = None) -> Entries:
    """What a page with this record becomes: by the quick way as far as it goes."""
    by = using or mapping()
    return by.page([record], RECEIVED)[0]
