"""What a source file may declare: a rating is never constant, a code never outside its list, nothing is ignored."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from gateway.errors import Misconfigured
from tests.rules.ground import Rule, compiled, said
from tests.rules.written.attributes import ATTRIBUTES

# declared so, it is refused under this code; the first, None, is the plain source
REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("a rating is no constant", "satisfaction", {"value": "5"}, "mapping.invalid"),
    ("a rating has no default", "satisfaction", {"path": "x", "scale": "national", "default": "5"}, "mapping.invalid"),
    ("a scale is stated", "satisfaction", {"path": "x"}, "satisfaction.scale_undeclared"),
    ("a scale or a map", "satisfaction", {"path": "x", "scale": "national", "map": {"1": "5"}}, "mapping.invalid"),
    ("a scale of nothing else", "channel", {"path": "x", "scale": "national"}, "mapping.invalid"),
    ("unrated of nothing else", "channel", {"path": "x", "unrated": ["0"]}, "mapping.invalid"),
    ("a time is no constant", "service_time", {"value": "2026-11-20 10:00:00"}, "mapping.invalid"),
    ("a time has no default", "accept_date", {"path": "x", "default": "2026-11-20 10:00:00"}, "mapping.invalid"),
    ("a time has no map", "accept_date", {"path": "x", "map": {"a": "b"}}, "mapping.invalid"),
    ("free text has no map", "writing_evaluation", {"path": "x", "map": {"a": "b"}}, "mapping.invalid"),
    ("an item has no map", "task_code", {"path": "x", "as": "item", "map": {"a": "b"}}, "mapping.invalid"),
    ("a handling item has no map", "task_handle_item", {"path": "x", "map": {"a": "b"}}, "mapping.invalid"),
    ("a department has no map", "dept_code", {"path": "x", "as": "organisation", "map": {"a": "b"}}, "mapping.invalid"),
    ("forms of times only", "mobile", {"path": "x", "times": ["rfc3339"]}, "mapping.invalid"),
    ("coarse is user_prop", "project_type", {"path": "x", "coarse": True}, "mapping.invalid"),
    ("a separator of indicators", "mobile", {"path": "x", "separator": ";"}, "mapping.invalid"),
    (
        "free text has a separator in pairs only",
        "writing_evaluation",
        {"path": "x", "separator": ";"},
        "mapping.invalid",
    ),
    ("pairs have a separator", "indicators", {"path": "x", "by": "pair"}, "mapping.invalid"),
    ("pairs are of indicators", "user_name", {"path": "x", "by": "pair"}, "mapping.invalid"),
    ("labels are of indicators", "writing_evaluation", {"path": "x", "by": "name"}, "mapping.invalid"),
    ("as region is area_code", "org_code", {"path": "x", "as": "region"}, "mapping.invalid"),
    ("as item is task_code", "task_type", {"path": "x", "as": "item"}, "mapping.invalid"),
    ("as organisation is dept_code", "org_code", {"path": "x", "as": "organisation"}, "mapping.invalid"),
    ("an item is found by task_code", "task_name", {"item": "nothing"}, "mapping.invalid"),
    ("the same as what is mapped", "org_code", {"same": "mobil"}, "mapping.invalid"),
    ("one origin", "mobile", {"path": "x", "value": "1"}, "mapping.invalid"),
    ("an origin", "mobile", {}, "mapping.invalid"),
    ("an order of assess_number", "channel", {"order": "assess_time"}, "mapping.invalid"),
    ("an order by the time of rating", "assess_number", {"order": "service_time"}, "mapping.invalid"),
    ("an order by itself", "assess_number", {"order": "assess_time", "default": "1"}, "mapping.invalid"),
    ("an order, or a path", "assess_number", {"order": "assess_time", "path": "x"}, "mapping.invalid"),
    ("a table that exists", "project_status", {"path": "x", "table": "none"}, "mapping.invalid"),
    ("a table of this list", "project_status", {"path": "x", "table": "sat-zero"}, "mapping.invalid"),
]
CODED = [row for row in ATTRIBUTES if row.code_list and row.kind != "rectification"]


def rules() -> Iterator[Rule]:
    for name, attribute, declared, code in REFUSED:
        yield Rule(f"declared: {name}", partial(_refused, attribute, declared, code))
    for row in CODED:
        yield Rule(f"declared: {row.kind}.{row.name} within {row.code_list}", partial(_within, row.kind, row.name))
    for row in ATTRIBUTES:
        if row.kind != "rectification" and row.name not in {"project_no", "service_number"}:
            yield Rule(f"declared: {row.kind}.{row.name} {row.need}", partial(_needed, row.kind, row.name, row.need))
    yield Rule("declared: one identity at least", _identity)
    yield Rule("declared: optional, but for the key", _optional)
    yield Rule("declared: a default is used for no value only", _default)
    yield Rule("declared: a condition", _condition)
    yield Rule("declared: attributes that exist", _existing)
    yield Rule("declared: an item needs its code", _item)
    yield Rule("declared: rounds by order have no revision", _order)


def _code_of(attribute_kind: str, **changes: Any) -> str | None:
    """The code under which the declaration is refused."""
    try:
        compiled(**{attribute_kind: changes})
    except Misconfigured as refused:
        return refused.code
    return None


def _kind(attribute: str) -> str:
    return next(row.kind for row in ATTRIBUTES if row.name == attribute)


def _refused(attribute: str, declared: dict[str, Any], code: str) -> None:
    assert _code_of(_kind(attribute), **{attribute: declared}) == code


def _within(kind: str, name: str) -> None:
    """No constant, default or map leads outside the list."""
    outside = "ZZ"
    ways: list[dict[str, Any]] = [{"path": "x", "map": {"a": outside}}]
    if name != "satisfaction":
        ways += [{"value": outside}, {"path": "x", "default": outside}]
    for way in ways:
        assert _code_of(kind, **{name: way}) == "mapping.invalid"


def _needed(kind: str, name: str, need: str) -> None:
    expected = "mapping.invalid" if need == "R" else None
    assert _code_of(kind, **{name: None}) == expected


def _identity() -> None:
    assert _code_of("service", cert_key=None) is None
    assert _code_of("service", cert_key=None, cert_key_gov=None) == "mapping.invalid"


def _accepted(**profile: Any) -> bool:
    try:
        compiled(profile=profile)
    except Misconfigured:
        return False
    return True


def _optional() -> None:
    assert _accepted(optional=["mobile"])
    for name in ("project_no", "service_number", "service_time", "satisfaction", "nothing"):
        assert not _accepted(optional=[name])
    assert not _accepted(item_pattern="[")


def _existing() -> None:
    assert _code_of("service", mobil={"path": "x"}) == "mapping.invalid"
    assert _code_of("evaluation", mobile={"path": "x"}) == "mapping.invalid"


def _order() -> None:
    by_order = {"assess_number": {"order": "assess_time"}}
    assert compiled(None, by_order).orders
    try:
        compiled(None, by_order, revision={"path": "rev", "form": "number"})
    except Misconfigured as refused:
        code = refused.code
    else:
        code = ""
    assert code == "mapping.invalid"


def _item() -> None:
    without = dict.fromkeys(("task_code", "task_handle_item"))
    for named, accepted in (({"path": "x"}, True), ({"item": "task_name"}, False)):
        try:
            compiled({**without, "task_name": named}, profile={"optional": ["task_code"]})
        except Misconfigured:
            assert not accepted
        else:
            assert accepted


def _default() -> None:
    using = compiled(None, {"assess_number": {"path": "evaluation.round", "default": "1"}})
    for nothing in (None, ""):
        assert said(None, {"round": nothing}, using).evaluation["assess_number"] == "1"
    assert said(None, {"round": "2"}, using).evaluation["assess_number"] == "2"
    assert said(None, {"round": "x"}, using).errors == {("field.type", "assess_number")}


def _condition() -> None:
    for condition, met, unmet in (
        ({"path": "service.kind", "in": ["a", "1"]}, ("a", 1, " a "), (None, "b", "", ["a"])),
        ({"path": "service.kind", "present": True}, ("a", 0, ["a"]), (None, "", "  ")),
        ({"path": "service.kind", "present": False}, (None, "", "  "), ("a", 0, ["a"])),
    ):
        using = compiled({"sub_matter": {"path": "service.sub_matter", "when": condition}})
        for kind in met:
            assert said({"kind": kind}, using=using).service.get("sub_matter") == "变更"
        for kind in unmet:
            assert said({"kind": kind}, using=using).service.get("sub_matter") is None
