"""Traps that are a matter of a table: what each value of the source becomes (code-lists.json)."""

from __future__ import annotations

from typing import Any, NamedTuple

ABSENT = "absent"  # no value, and none needed
UNRATED = "unrated"
REQUIRED = "field.required"
EVALUATED = frozenset(
    {"satisfaction", "channel", "review_status", "assess_number", "indicators", "is_default", "origin"}
)


class Trap(NamedTuple):
    """How the trap is declared, and what each value of the source becomes: a code, an error, or nothing."""

    attribute: str
    declared: dict[str, Any]
    becomes: dict[Any, Any]
    coarse: tuple[str, ...] = ()  # values that are marked as coarser than the national list


def table(name: str, **more: Any) -> dict[str, Any]:
    return {"table": name, **more}


TABLED: dict[str, Trap] = {
    "sat-gbt39046": Trap(
        "satisfaction",
        table("sat-gbt39046"),
        {"1": "5", 2: "4", "3": "3", "4": "2", "5": "1", "0": "satisfaction.unknown"},
    ),
    "sat-fj-window": Trap(
        "satisfaction", table("sat-fj-window"), {"3": "5", "2": "4", "1": "3", "0": "2", "5": "1", "4": UNRATED}
    ),
    "sat-si-device": Trap(
        "satisfaction",
        table("sat-si-device"),
        {"0": "5", "1": "4", "2": "3", "3": "2", "4": "1", "5": "satisfaction.unknown"},
    ),
    "sat-prov-device": Trap(
        "satisfaction",
        table("sat-prov-device"),
        {"5": "5", "4": "4", "3": "3", "2": "2", "1": "1", "0": "satisfaction.unknown"},
    ),
    "sat-zero": Trap(
        "satisfaction",
        table("sat-zero", map={code: code for code in "12345"}),
        {"0": UNRATED, "1": "1", "5": "5", "6": "satisfaction.unknown"},
    ),
    "sat-three-level": Trap(
        "satisfaction",
        {"map": {"满意": "4", "一般": "3", "不满意": "2"}},
        {"满意": "4", "一般": "3", "不满意": "2", "很满意": "satisfaction.unknown"},
    ),
    "pf-zj-2019": Trap(
        "channel", table("pf-zj-2019"), {"1": "1", "2": "2", "3": "3", "4": "4", "5": "5", "6": "7", "7": REQUIRED}
    ),
    "pf-fj-internal": Trap("channel", table("pf-fj-internal"), {"1": "3", "2": "7", "3": "source.unmapped"}),
    "status-zj": Trap("project_status", table("status-zj"), {"1": "1", "2": "2", "3": "3", "4": "source.unmapped"}),
    "status-sd-backend": Trap(
        "project_status",
        table("status-sd-backend"),
        {**{str(n): "1" if n < 30 else "2" if n < 90 else "3" for n in range(100)}, "100": "source.unmapped"},
    ),
    "status-bj-raw": Trap(
        "project_status",
        table("status-bj-raw"),
        {"11": REQUIRED, "15": REQUIRED, "12": "1", "20": "2", "21": "2", "45": "3", "1": "source.unmapped"},
    ),
    "prop-gbt39046": Trap(
        "user_prop",
        table("prop-gbt39046"),
        {"1": "1", "2": "2", "3": "3", "4": "4", "5": "6", "6": "9", "9": "source.unmapped"},
    ),
    "prop-2019": Trap("user_prop", table("prop-2019"), {"1": "1", "2": "2", "3": "source.unmapped"}, ("1", "2")),
    "prop-gd": Trap("user_prop", table("prop-gd"), {"0": "1", "1": "2", "2": "source.unmapped"}, ("0", "1")),
    "prop-si": Trap("user_prop", table("prop-si"), {"1": "2", "2": "1", "3": "source.unmapped"}, ("1", "2")),
    "prop-sd-backend": Trap(
        "user_prop", table("prop-sd-backend"), {"10": "2", "20": "1", "30": "9", "77": "9"}, ("10", "20", "30", "77")
    ),
    "tasktype-sd": Trap(
        "task_type",
        table("tasktype-sd"),
        {
            "11": "20",
            "42": "99",
            **{code: code for code in ("01", "05", "07", "08", "09", "10", "20", "99")},
            "02": "99",
        },
    ),
    "casetype-zj": Trap("project_type", table("casetype-zj"), {"1": "2", "2": "1", "9": "source.unmapped"}),
    "stage-gd": Trap("service_stage", table("stage-gd"), {"1": "other", "2": "finish", "3": "source.unmapped"}),
    "stage-fj": Trap("service_stage", table("stage-fj"), {"办结": "finish", "开始": "other", "任意": "other"}),
    "stage-sd": Trap(
        "service_stage",
        table("stage-names"),
        {
            "咨询": "consult",
            "申报": "apply",
            "申请": "apply",
            "补正": "supplement",
            "缴费": "pay",
            "签收": "sign",
            "办结": "finish",
            "我在窗口办理了一件事": "other",
        },
    ),
    "appstatus-sd": Trap(
        "review_status",
        table("appstatus-sd", map={"1": "1", "2": "2", "3": "3"}),
        {"0": ABSENT, "1": "1", "2": "2", "3": "3", "4": "source.unmapped"},
    ),
    "round-fj": Trap("assess_number", table("round-fj"), {"1": "1", "2": "2", "3": "source.unmapped"}),
    "cert-fj-letters": Trap(
        "user_page_type",
        {"map": {"SF": "111", "HZ": "414", "QT": "999"}},
        {"SF": "111", "QT": "999", "JG": "source.unmapped"},
    ),
}
NAMED = {"status-names": {"待受理": "1", "已受理": "2", "已办结": "3"}}
ELSEWHERE = {
    "sat-hotline-b": "an answer of a revisit, never an evaluation: no mapping can use it",
    "pf-2019-range": "of a target, which declares what it takes (tests/integration/delivery/test_delivery_accepts.py)",
    "success-predicate": "of a target's profile",
    "push-state-drift": "never imported: there is nothing to map",
}
