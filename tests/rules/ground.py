"""A source that sends every attribute under its own name, a good record of it, and what became of a changed one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from gateway.mapping import Entries, Masters, Outcome, compile_mapping, load_masters, prepare
from gateway.mapping import Mapping as Compiled
from gateway.mapping.times import to_wire
from schemas.masters import Item, Organisation
from schemas.records import faults
from schemas.source import SourceFile
from tests.rules.written.attributes import ATTRIBUTES

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
RECEIVED = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
LATEST = "2026-11-21 10:05:00"
DEPARTMENT = "115113016823646795"
OTHER_DEPARTMENT = "11440232MB2D06811W"
TASK = "1151130168236467954510125948743"
PERSON = "11010519491231002X"
Changes = Mapping[str, Any]

SERVICE: dict[str, Any] = {
    "area_code": "511602000000",
    "dept_code": DEPARTMENT,
    "org_code": DEPARTMENT,
    "org_name": "区行政审批局",
    "task_code": TASK,
    "task_handle_item": TASK + "01",
    "task_name": "种畜禽生产经营许可证信息变更",
    "task_type": "01",
    "sub_matter": "变更",
    "project_no": "GA20261120-1",
    "project_name": "关于变更的申请",
    "project_status": "3",
    "project_type": "1",
    "project_channel": "1",
    "promise_day": "5",
    "promise_type": "1",
    "anticipate_day": "20",
    "anticipate_type": "1",
    "manager_name": "王五",
    "manager_no": "W-05",
    "user_prop": "1",
    "user_name": "张三",
    "user_page_type": "111",
    "cert_key": "mark-of-unified-identity",
    "cert_key_gov": PERSON,
    "mobile": "13800138000",
    "service_name": "办结",
    "service_stage": "finish",
    "service_number": "1",
    "service_time": "2026-11-20 10:00:00",
    "apply_date": "2026-11-20 08:00:00",
    "accept_date": "2026-11-20 08:30:00",
    "result_date": "2026-11-20 09:30:00",
    "is_service": "1",
    "data_source": "151",
}
EVALUATION: dict[str, Any] = {
    "assess_number": "1",
    "satisfaction": "5",
    "channel": "1",
    "indicators": ["510", "517"],
    "writing_evaluation": "很好",
    "assess_time": "2026-11-20 10:05:00",
    "user_name": "张三",
    "user_prop": "1",
    "user_page_type": "111",
    "cert_key": "mark-of-unified-identity",
    "cert_key_gov": PERSON,
    "anonymous": "2",
    "public_flag": "1",
    "is_default": "0",
    "origin": "active",
    "review_status": "1",
    "effective": "1",
    "operation": "I",
}
RECTIFICATION: dict[str, Any] = {
    "project_no": "GA20261120-1",
    "service_number": "1",
    "assess_number": "1",
    "cycle": "1",
    "external_id": "E-1",
    "work_order_no": "W-1",
    "dept_code": DEPARTMENT,
    "dept_name": "区行政审批局",
    "status": "90",
    "dispatch_time": "2026-11-20 11:00:00",
    "sign_for_time": "2026-11-20 12:00:00",
    "due_time": "2026-12-05 18:00:00",
    "due_rule": "r1",
    "verify_result": "true",
    "measure": "immediate",
    "rectification": "已整改",
    "feedback_time": "2026-11-30 10:00:00",
    "feedback_channel": "phone",
    "revisit_time": "2026-12-01 10:00:00",
    "revisit_outcome": "satisfied",
    "revisit_satisfaction": "4",
    "effective": "1",
    "review_status": "1",
    "operation": "I",
    "handler_name": "赵六",
}
GOOD = {"service": SERVICE, "evaluation": EVALUATION, "rectification": RECTIFICATION}
AGENT = {"handle_user_name": "李四", "handle_user_page_type": "111", "handle_user_page_code": PERSON}
KEY = {"project_no": "GA20261120-1", "service_number": "1"}


class Said(NamedTuple):
    """What the mapping said of one record: (code, attribute) of each problem, by severity, and the values kept."""

    errors: set[tuple[str, str]]
    warnings: set[tuple[str, str]]
    service: dict[str, Any]
    evaluation: dict[str, Any]
    outcome: Outcome


@cache
def masters() -> Masters:
    """One department with a few items, in the folder of the sample's county."""
    item = Item("511A-1", TASK, "事项", "01", "4", DEPARTMENT, "区行政审批局", "511602000000")
    others = (
        item._replace(source_code="local-1", local_only="1"),
        item._replace(source_code="GUID-0123456789ABCDEF", task_name="以内部编号公布的事项"),
        item._replace(source_code="other-type", task_type="99"),
        item._replace(source_code="bad-form", task_code="511602-NOT-A-TASK-CODE-00000000"),
    )
    return Masters(
        items={"511602": {one.source_code: one for one in (item, *others)} | {TASK: item}},
        organisations={DEPARTMENT: Organisation(DEPARTMENT, "区行政审批局", "511602000000")},
        tables=load_masters(MAPPINGS).tables,
    )


def source(**mapping: Any) -> SourceFile:
    return SourceFile(
        source="rules",
        name="规则核对",
        connector="rest",
        connection="rules",
        owner="测试单位",
        region="511602000000",
        mapping=mapping,
    )


def fields(kind: str) -> dict[str, Any]:
    """Every attribute of ``kind`` from the path of its own name."""
    specs: dict[str, Any] = {row.name: {"path": f"{kind}.{row.name}"} for row in ATTRIBUTES if row.kind == kind}
    if kind == "service":
        specs["area_code"]["as"] = "region"
    else:
        specs["satisfaction"] |= {"scale": "national", "unrated": ["0"]}
    return specs


def compiled(
    service: Changes | None = None,
    evaluation: Changes | None = None,
    known_masters: Masters | None = None,
    **mapping: Any,
) -> Compiled:
    """The plain source with some attributes declared otherwise; None takes a declaration out."""
    inherited = dict.fromkeys(KEY, None)
    sections = {
        "service": {**fields("service"), **(service or {})},
        "evaluation": {**fields("evaluation"), **inherited, **(evaluation or {})},
    }
    whole = {kind: {name: spec for name, spec in specs.items() if spec is not None} for kind, specs in sections.items()}
    return compile_mapping(source(**whole, **mapping), known_masters or masters())


@cache
def plain() -> Compiled:
    return compiled()


@cache
def resolved() -> Compiled:
    """Items and departments through their masters."""
    return compiled(
        {
            "task_code": {"path": "service.task_code", "as": "item"},
            "task_handle_item": {"item": "handle_item"},
            "task_type": {"item": "task_type"},
            "dept_code": {"path": "service.dept_code", "as": "organisation"},
        }
    )


@cache
def alone() -> Compiled:
    """Evaluations that come without their cases."""
    return compile_mapping(source(evaluation=fields("evaluation")), masters())


def said(
    service: Changes | None = None, evaluation: Changes | None = None, using: Callable[[], Compiled] | Compiled = plain
) -> Said:
    """What is said of the good record with these values changed, None meaning absent; by both ways, which agree."""
    mapping = using if isinstance(using, Compiled) else using()
    good = {"service": SERVICE, "evaluation": EVALUATION | (KEY if mapping.joins else {})}
    record = copy.deepcopy(good)
    for kind, changes in (("service", service or {}), ("evaluation", evaluation or {})):
        for name, value in changes.items():
            record[kind][name] = value
            if value is None:
                del record[kind][name]
    general = mapping.examine(record, LATEST)
    prepared = Entries([prepare(one) for one in general.records], *general[1:])
    assert to_wire(RECEIVED.replace(minute=5)) == LATEST
    for _ in range(2):  # the second time from memory
        quick = mapping.page([good, record], RECEIVED)[1]
        assert _comparable(quick) == _comparable(prepared)
    for made in general.records:
        assert faults(made.kind, {**made.content, **made.personal}) == []  # type: ignore[arg-type]
    return Said(
        {(problem.code, problem.field) for problem in general.problems if problem.severity == "E"},
        {(problem.code, problem.field) for problem in general.problems if problem.severity == "W"},
        next(({**made.content, **made.personal} for made in general.records if made.kind == "service"), {}),
        next(({**made.content, **made.personal} for made in general.records if made.kind == "evaluation"), {}),
        general,
    )


def of(kind: str, changes: Changes, using: Callable[[], Compiled] | Compiled = plain) -> Said:
    return said(changes, None, using) if kind == "service" else said(None, changes, using)


def _comparable(found: Entries) -> Any:
    return list(found.entries), sorted(found.problems, key=str), found.corrects, found.unrated


class Rule(NamedTuple):
    """One rule of the specification; ``check`` raises AssertionError once the rule is gone."""

    name: str
    check: Callable[[], None]
