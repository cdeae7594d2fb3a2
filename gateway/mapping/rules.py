"""Rules over several attributes of one source record (records.md sections 1, 2 and 5). Values are in wire form.

A value that could not be read takes part in no comparison. Every rule looks at the record and reports; none changes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from gateway.domain.check_digit import credit_code_valid, identity_number_valid
from gateway.mapping.scope import Scope
from schemas.conditions import AGENT, CASE_TIMES, DATED, NEGATIVE, TERMS
from schemas.masters import Region

PERSON_CERTIFICATES = frozenset({"111", "112", "113", "114", "115", "117", "118", "414", "511", "513", "516", "553"})
_OLD_IDENTITY = re.compile(r"[0-9]{15}")


def check_service(scope: Scope, paths: Mapping[str, str], regions: Mapping[str, Region], latest: str) -> None:
    """All rules of one service record; ``latest`` is the time of receipt and five minutes, in wire form."""
    _region_in_force(scope, paths, regions)
    _identity(scope, paths)
    _agent(scope, paths)
    _case_times(scope, paths, latest)


def check_evaluation(scope: Scope, paths: Mapping[str, str], service_time: str | None, latest: str) -> None:
    """All rules of one evaluation; ``service_time`` is its service record's."""
    values = scope.values
    detail = values.get("indicators") or values.get("writing_evaluation")
    if (
        values.get("satisfaction") in NEGATIVE
        and not detail
        and not scope.failed & {"indicators", "writing_evaluation"}
    ):
        scope.of("indicators", paths.get("indicators", "")).report("evaluation.negative_without_detail")
    check_default_origin(scope, paths)
    check_codes(scope, paths)
    _marks(scope, paths)
    _agent(scope, paths)
    assessed = values.get("assess_time")
    if assessed is not None:
        scope.of("assess_time", paths.get("assess_time", ""))
        if assessed > latest:
            scope.report("time.future", assessed, latest)
        if service_time is not None and assessed < service_time:
            scope.report("time.before_service", assessed, service_time)


def check_default_origin(scope: Scope, paths: Mapping[str, str]) -> None:
    """is_default = 1 exactly when origin = default (rule 5)."""
    is_default, origin = scope.values.get("is_default"), scope.values.get("origin")
    if is_default is not None and origin is not None and (is_default == "1") != (origin == "default"):
        scope.of("is_default", paths.get("is_default", "")).report(
            "evaluation.default_origin_conflict", is_default, origin
        )


def check_task(scope: Scope, paths: Mapping[str, str]) -> None:
    """A handling item's code begins with its item's."""
    task, item = scope.values.get("task_code"), scope.values.get("task_handle_item")
    if task and item and not item.startswith(task):
        scope.of("task_handle_item", paths.get("task_handle_item", "")).report("item.handle_prefix", item, task)


def check_area(scope: Scope, paths: Mapping[str, str]) -> None:
    """A province's data says so: 1 and the first two digits of its region."""
    area, source = scope.values.get("area_code"), scope.values.get("data_source")
    if area and source and source != "1" + area[:2]:
        scope.of("data_source", paths.get("data_source", "")).report("region.source_mismatch", source, "1" + area[:2])


def check_terms(scope: Scope, paths: Mapping[str, str]) -> None:
    """Time limits and their units come together."""
    for first, second in TERMS:
        if (scope.values.get(first) is None) != (scope.values.get(second) is None):
            lacking = first if scope.values.get(first) is None else second
            if not scope.failed & {first, second}:
                scope.of(lacking, paths.get(lacking, "")).report("field.required")


def check_codes(scope: Scope, paths: Mapping[str, str]) -> None:
    """An organisation normally carries a credit code, not a person's certificate."""
    prop, kind = scope.values.get("user_prop"), scope.values.get("user_page_type")
    if prop is not None and prop != "1" and kind in PERSON_CERTIFICATES:
        scope.of("user_page_type", paths.get("user_page_type", "")).report("identity.kind_mismatch", kind)


def looks_like_number(mark: str) -> bool:
    """Is an identity mark (certKey) in truth a plain certificate number?"""
    upper = mark.upper()
    return identity_number_valid(upper) or credit_code_valid(upper) or _OLD_IDENTITY.fullmatch(mark) is not None


def _region_in_force(scope: Scope, paths: Mapping[str, str], regions: Mapping[str, Region]) -> None:
    area, time = scope.values.get("area_code"), scope.values.get("service_time")
    region = regions.get(area) if area else None
    if region is None or time is None or region.valid_on(time):
        return
    scope.of("area_code", paths.get("area_code", ""))
    if region.replaced_by and time[:10] >= region.valid_to:
        scope.report("region.retired", area, region.replaced_by)
    else:
        scope.fail("region.unknown", area, f"{region.valid_from}–{region.valid_to}")


def _identity(scope: Scope, paths: Mapping[str, str]) -> None:
    mark, number = scope.values.get("cert_key"), scope.values.get("cert_key_gov")
    if mark is None and number is None and not scope.failed & {"cert_key", "cert_key_gov"}:
        scope.of("cert_key_gov", paths.get("cert_key_gov", paths.get("cert_key", ""))).report("identity.missing")
    _marks(scope, paths)


def _marks(scope: Scope, paths: Mapping[str, str]) -> None:
    """Of the applicant or the evaluator, and of who acts for them: marks that are numbers, numbers that are none."""
    values = scope.values
    mark, number, kind = values.get("cert_key"), values.get("cert_key_gov"), values.get("user_page_type")
    if mark is not None and looks_like_number(mark):
        scope.of("cert_key", paths.get("cert_key", "")).report("identity.plain_cert_key", mark)
    _check_digit(scope, paths, "cert_key_gov", kind, number)
    _check_digit(scope, paths, "handle_user_page_code", values.get(AGENT[1]), values.get(AGENT[2]))


def _check_digit(scope: Scope, paths: Mapping[str, str], field: str, kind: str | None, number: str | None) -> None:
    if number is None or kind not in {"111", "001"}:
        return
    if not (identity_number_valid(number) if kind == "111" else credit_code_valid(number)):
        letters = "O or I for 0 or 1?" if set("OI") & set(number) else ""
        scope.of(field, paths.get(field, "")).report("identity.check_digit", number, letters)


def _agent(scope: Scope, paths: Mapping[str, str]) -> None:
    if scope.values.keys().isdisjoint(AGENT) and scope.failed.isdisjoint(AGENT):
        return
    for field in AGENT:
        if field not in scope.values and field not in scope.failed:
            scope.of(field, paths.get(field, "")).report("agent.incomplete")


def _case_times(scope: Scope, paths: Mapping[str, str], latest: str) -> None:
    values = scope.values
    status, served = values.get("project_status"), values.get("service_time")
    accepted = values.get("accept_date")
    for code, (field,), _, _, statuses in DATED:
        if status in statuses and values.get(field) is None and field not in scope.failed:
            scope.of(field, paths.get(field, "")).report(code, None, status or "")
    if served is not None and served > latest:
        scope.of("service_time", paths.get("service_time", "")).report("time.future", served, latest)
    known = [(name, values[name]) for name in CASE_TIMES if values.get(name)]
    for (_, earlier), (later_name, later) in pairwise(known):
        if later < earlier:
            scope.of(later_name, paths.get(later_name, "")).report("time.order", later, earlier)
    if accepted is not None and served is not None and accepted > served:
        scope.of("accept_date", paths.get("accept_date", "")).report("time.accept_after_service", accepted, served)
