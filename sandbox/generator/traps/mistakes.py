"""Mistakes planted into what a dialect has written, each with exactly the problems that it must bring."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from sandbox.generator.traps.truth import Truth

Problems = set[tuple[str, str]]
BAD_PERSON = "110105194912310021"
STRANGER = "11110000000021135M"  # a valid credit code of a department that no master knows


class Mistake(NamedTuple):
    """``group``: two mistakes of one record are of different groups, so that neither hides the other."""

    group: str
    problems: Problems
    values: dict[str, Any]  # by the name in the source, one level down with a dot
    rated: bool = False  # of the evaluation
    fits: Callable[[Truth], bool] = lambda _truth: True


def _one(group: str, code: str, field: str, rated: bool = False, **values: Any) -> Mistake:
    return Mistake(group, {(code, field)}, {name.replace("__", "."): value for name, value in values.items()}, rated)


def _negative(**values: Any) -> Mistake:
    return _one("detail", "evaluation.negative_without_detail", "indicators", rated=True, **values)


MISTAKES: dict[str, list[Mistake]] = {
    "trap_gbt": [
        _one("area", "region.unknown", "area_code", XZQH="511699"),
        _one("area", "region.unknown", "area_code", XZQH="0826"),
        _one("dept", "org.check_digit", "dept_code", SLBM="115113016823646796"),
        _one("item", "item.unknown", "task_code", SXBM="9" * 33, YWBLX=""),
        _one("item", "item.handle_prefix", "task_handle_item", YWBLX="9" * 33),
        _one("status", "source.unmapped", "project_status", BJZT=9),
        _one("kind", "source.unmapped", "project_type", BJLX="即办"),
        _one("name", "field.required", "user_name", SQR__XM=" \u3000"),
        _one("name", "field.length", "user_name", SQR__XM="名" * 101),
        _one("org", "field.type", "org_code", orgcode="513422"),
        _one("number", "field.length", "service_number", FWCS="100"),
        _one("number", "field.type", "service_number", FWCS="首次"),
        _one("key", "project_no.charset", "project_no", BJBH="GA第1号"),
        _one("limit", "field.required", "promise_type", CN={"TS": "5"}),
        _one("identity", "identity.missing", "cert_key_gov", SQR__Certkeygov="", SQR__certkey=None),
        _one("source", "code.unknown", "data_source", SJLY="037"),
        _one("time", "time.date_only", "service_time", FWSJ="20261120"),
        _one("time", "time.unparsable", "service_time", FWSJ="2026-13-40 10:00:00"),
        _one("time", "time.before_service", "assess_time", rated=True, PJ__SJ="20200101000000"),
        _one("time", "time.future", "assess_time", rated=True, PJ__SJ="20361231T235959"),
        _one("rating", "satisfaction.unknown", "satisfaction", rated=True, PJ__MYD=9),
        _one("rating", "satisfaction.unknown", "satisfaction", rated=True, PJ__MYD="满意"),
        _one("channel", "source.unmapped", "channel", rated=True, PJ__QD="8"),
        Mistake("channel", {("field.required", "channel")}, {"PJ.QD": "7"}, rated=True),
        _one("detail", "field.length", "writing_evaluation", rated=True, PJ__WZ="长" * 501),
        _one("detail", "field.type", "indicators", rated=True, PJ__ZB=["5x0"], PJ__WZ="有"),
        _negative(PJ__MYD=5, PJ__ZB=[], PJ__WZ="\n"),
    ],
    "trap_window": [
        _one("area", "region.unknown", "area_code", 区划="00"),
        _one("dept", "org.unknown", "dept_code", 部门=STRANGER),
        _one("certificate", "source.unmapped", "user_page_type", 证件="AMSF"),
        _one("certificate", "identity.check_digit", "cert_key_gov", 证件="SF", 证件号码=BAD_PERSON),
        _one("number", "field.type", "service_number", 次数="0"),
        _one("time", "time.date_only", "service_time", 服务时间="46346"),
        _one("time", "time.unparsable", "service_time", 服务时间="2026-11-20 10:00:00"),
        Mistake(
            "agent",
            {("agent.incomplete", "handle_user_page_type"), ("agent.incomplete", "handle_user_page_code")},
            {"代理人": "赵六", "代理证件": "", "代理号码": ""},
        ),
        _one("rating", "satisfaction.unknown", "satisfaction", rated=True, 按键="9"),
        _one("channel", "source.unmapped", "channel", rated=True, 设备="5"),
        _one("round", "source.unmapped", "assess_number", rated=True, 轮次="3"),
        _one("detail", "field.type", "indicators", rated=True, 内容="没有代码|一般"),
    ],
    "trap_insurance": [
        _one("status", "source.unmapped", "project_status", state=100),
        _one("mobile", "field.required", "mobile", tel=None),
        _one("mobile", "field.type", "mobile", tel=["13800138000"]),
        _one("number", "field.type", "service_number", n=0),
        _one("number", "field.type", "service_number", n=1.5),
        _one("item", "item.unknown", "task_code", item="0" * 32),
        _one("time", "time.unparsable", "service_time", service_time=1_795_147_200),
        _one("time", "time.unparsable", "service_time", service_time=True),
        _one("channel", "source.unmapped", "channel", rated=True, device="PJQ"),
        _one("rating", "satisfaction.unknown", "satisfaction", rated=True, evaluatorLevel=5),
        _one("detail", "field.type", "indicators", rated=True, reasons="510,511"),
    ],
    "trap_statistics": [
        Mistake("status", {("field.required", "project_status")}, {"bj_zt": "11"}),
        _one("status", "source.unmapped", "project_status", bj_zt="3"),
        _one("certificate", "code.unknown", "user_page_type", zjlx="888"),
        _one("time", "time.unparsable", "service_time", service_time=1_795_147_200_000),
        _one(
            "time",
            "time.order",
            "accept_date",
            apply_date=1_795_000_001,
            accept_date=1_795_000_000,
            result_date=1_795_000_000,
        ),
        Mistake(
            "time",
            {("status.date_missing", "result_date")},
            {"bj_zt": "45", "accept_date": 1_793_500_000, "apply_date": None, "result_date": None},
        ),
        _one("origin", "evaluation.default_origin_conflict", "is_default", rated=True, auto=True, who="本人"),
        _one("origin", "evaluation.default_origin_conflict", "is_default", rated=True, auto=False, who="系统"),
        _one("origin", "source.unmapped", "origin", rated=True, who="机器人"),
        _one("rating", "satisfaction.unknown", "satisfaction", rated=True, sprz=6),
        _one("review", "source.unmapped", "review_status", rated=True, appStatus="4"),
        _negative(sprz=1, zb=None, pjnr=None),
    ],
    "trap_cases": [
        _one("status", "source.unmapped", "project_status", 状态="作废"),
        _one("dept", "org.unknown", "dept_code", 机构=STRANGER),
        Mistake(
            "way", {("source.unmapped", "project_channel"), ("identity.missing", "cert_key_gov")}, {"方式": "邮寄"}
        ),
        _one("time", "time.unparsable", "service_time", 服务时间="2026-11-20T10:00:00+0800"),
        _one("time", "time.future", "service_time", 服务时间="2036-11-20T10:00:00+08:00"),
    ],
    "trap_ratings": [
        _one("rating", "satisfaction.unknown", "satisfaction", rated=True, 评="很好"),
        _one("rating", "satisfaction.unrated", "satisfaction", rated=True, 评=None),
        _one("channel", "source.unmapped", "channel", rated=True, 型号="未知"),
        _one("detail", "source.unmapped", "indicators", rated=True, 原因="没有这个；原因"),
        _one("time", "time.date_only", "assess_time", rated=True, 时="2026-11-20"),
        _one("time", "time.before_service", "assess_time", rated=True, 时="2020-01-01T00:00:00Z"),
        Mistake("parent", {("parent.missing", "project_no")}, {"编号": "NOBODY-1"}, rated=True),
    ],
}
ALONE = frozenset({"parent", "rating"})  # what else is wrong with such a record of `trap_ratings` isn't looked at


def plant(source: str, raw: dict[str, Any], truth: Truth, draw: Random) -> None:
    """One mistake, or two that don't meet, into ``raw``; ``truth`` learns what must be said of it."""
    first = draw.choice(_fitting(source, truth, frozenset()))
    chosen = [first]
    if draw.random() < 0.3 and source != "trap_ratings":
        chosen.append(draw.choice(_fitting(source, truth, _near(first.group))))
    for mistake in chosen:
        for name, value in mistake.values.items():
            above, _, leaf = name.rpartition(".")
            (raw[above] if above else raw)[leaf] = value
        truth.errors |= mistake.problems
    if any(mistake.group == "detail" for mistake in chosen) and source == "trap_ratings":
        raw["话"] = "说明"
    truth.state = "held" if first.group == "parent" else "quarantined"


def _near(group: str) -> frozenset[str]:
    """Groups that would hide ``group`` or be hidden by it."""
    together = ({"rating", "detail"}, {"status", "time"})
    return frozenset({group}.union(*(one for one in together if group in one)))


def _fitting(source: str, truth: Truth, taken: frozenset[str]) -> list[Mistake]:
    rated = truth.evaluation is not None
    return [one for one in MISTAKES[source] if (rated or not one.rated) and one.group not in taken]
