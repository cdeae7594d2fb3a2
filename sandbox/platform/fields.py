"""The fields of the three kinds of records, compiled from their printed types and the versioned code lists."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

Check = Callable[[str], str | None]
"""A value's problem as an item code, or None."""

MALFORMED = "schema.invalid"
UNKNOWN = "code.unknown"
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII)

_PEOPLE = {
    "userName": "..100",
    "userProp": "n1 applicant_type",
    "userPageType": "n3 certificate_type",
    "certKey": "..128",
    "certKeyGOV": "..50",
    "handleUserName": "..30",
    "handleUserPageType": "n3 certificate_type",
    "handleUserPageCode": "..50",
}
_SERVICE = {
    "areaCode": "n12",
    "deptCode": "=[0-9A-Z]{18}",
    "orgcode": r"=(?:\d{12}_)?[0-9A-Z]{18}",
    "orgName": "..100",
    "taskCode": "=[0-9A-Z]{31}",
    "taskHandleItem": "=[0-9A-Z]{33}",
    "taskName": "..200",
    "taskType": "n2 task_type",
    "subMatter": "..200",
    "projectNo": "=[A-Za-z0-9_-]{1,50}",
    "projectName": "..200",
    "proStatus": "n1 case_status",
    "projectType": "n1 case_type",
    "proChannel": "n1 case_channel",
    "promiseDay": r"=\d{1,3}",
    "promiseType": "n1 time_limit_unit",
    "anticipateDay": r"=\d{1,3}",
    "anticipateType": "n1 time_limit_unit",
    "proManager": "..30",
    "proManagerNo": "..32",
    **_PEOPLE,
    "mobile": "..18",
    "serviceName": "..100",
    "serviceNumber": r"=[1-9]\d?",
    "serviceTime": "dt",
    "applydate": "dt",
    "acceptDate": "dt",
    "resultDate": "dt",
    "isService": "n1",
    "dataSource": "=1[0-9]{2}",
}
_OPINION = {
    "assessNumber": r"=[1-9]\d?",
    "satisfaction": "n1 satisfaction",
    "pf": "n1 channel",
    "evalDetail": r"=\d{3}(?:,\d{3})*",
    "writingEvaluation": "..500",
    "assessTime": "dt",
    "anonymityFlag": "n1 anonymity_flag",
    "publicFlag": "n1 public_flag",
    "isdefault": "n1 default_flag",
    "appStatus": "n1 review_status",
    "effectivEvalua": "n1 effective_flag",
    "flag": "a1 operation_flag",
}
_RECTIFICATION = {
    "projectNo": "=[A-Za-z0-9_-]{1,50}",
    "serviceNumber": r"=[1-9]\d?",
    "assessNumber": r"=[1-9]\d?",
    "cycle": r"=[1-9]\d?",
    "evaluateUnid": "..64",
    "workOrderNo": "..50",
    "deptCode": "=[0-9A-Z]{18}",
    "deptName": "..100",
    "orderStatus": "n2 work_order_status",
    "dispatchTime": "dt",
    "signTime": "dt",
    "dueTime": "dt",
    "dueRule": "..32",
    "verifyResult": "slug verify_result",
    "measure": "slug rectification_measure",
    "rectification": "..1000",
    "feedbackTime": "dt",
    "feedbackChannel": "slug feedback_channel",
    "revisitTime": "dt",
    "revisitOutcome": "slug revisit_outcome",
    "revisitSatisfaction": "n1 satisfaction",
    "effectivEvalua": "n1 effective_flag",
    "appStatus": "n1 review_status",
    "flag": "a1 operation_flag",
    "handlerName": "..30",
}
_REQUIRED = {
    "service": "areaCode deptCode orgcode orgName taskCode taskName taskType projectNo proStatus projectType "
    "proChannel userProp userName userPageType mobile serviceName serviceNumber serviceTime dataSource",
    "evaluation": "projectNo serviceNumber assessNumber satisfaction pf assessTime isdefault flag",
    "rectification": "projectNo serviceNumber assessNumber cycle workOrderNo deptCode deptName orderStatus dueTime "
    "dueRule appStatus flag",
}
# An evaluation may carry the fields that a sender copies from its service record.
_FIELDS = {"service": _SERVICE, "evaluation": {**_SERVICE, **_OPINION}, "rectification": _RECTIFICATION}
_MOST_REMEMBERED = 10_000
# Values that hardly come twice: remembering them would only cost memory.
_OWN_TO_EACH = frozenset(
    name for fields in _FIELDS.values() for name, form in fields.items() if form == "dt" or name == "projectNo"
)
_FORMS = {
    "n1": re.compile(r"\d", re.ASCII),
    "n2": re.compile(r"\d\d", re.ASCII),
    "n3": re.compile(r"\d{3}", re.ASCII),
    "n12": re.compile(r"\d{12}", re.ASCII),
    "a1": re.compile(r"[A-Za-z]", re.ASCII),
    "slug": re.compile(r"[a-z_]{1,32}", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class KindFields:
    """One kind's fields: which must be there, and how each value is judged.

    ``lengths`` are the fields of free text, in characters; ``passed`` knows all other fields of the kind, and spares
    the judging of codes that have passed before.
    """

    required: frozenset[str]
    checks: Mapping[str, Check]
    lengths: Mapping[str, int]
    passed: dict[str, set[str]]

    def problem(self, name: str, value: str) -> str | None:
        """The item code of what is wrong with a value, or None."""
        found = self.checks[name](value)
        if found is None and name not in _OWN_TO_EACH and len(self.passed[name]) < _MOST_REMEMBERED:
            self.passed[name].add(value)
        return found


def load_fields() -> dict[str, KindFields]:
    """Compiled checks per kind, from the code lists in ``schemas/data``."""
    text = files("schemas").joinpath("data", "code_lists.json").read_text(encoding="utf-8")
    lists = {
        name: frozenset(item["code"] for item in content["items"])
        for name, content in json.loads(text)["lists"].items()
    }
    return {
        kind: KindFields(
            required=frozenset(_REQUIRED[kind].split()),
            checks={name: _compile(form, lists) for name, form in fields.items() if not form.startswith("..")},
            lengths={name: int(form[2:]) for name, form in fields.items() if form.startswith("..")},
            passed={name: set() for name, form in fields.items() if not form.startswith("..")},
        )
        for kind, fields in _FIELDS.items()
    }


def _compile(form: str, lists: Mapping[str, frozenset[str]]) -> Check:
    if form == "dt":
        return _check_date_time
    if form.startswith("="):
        return _pattern_check(re.compile(form[1:], re.ASCII))
    name, _, code_list = form.partition(" ")
    if not code_list:
        return _pattern_check(_FORMS[name])
    return _list_check(_FORMS[name], lists[code_list])


def _check_date_time(value: str) -> str | None:
    if not _DATE_TIME.fullmatch(value):
        return MALFORMED
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return MALFORMED
    return None


def _pattern_check(pattern: re.Pattern[str]) -> Check:
    matches = pattern.fullmatch

    def check(value: str) -> str | None:
        return None if matches(value) else MALFORMED

    return check


def _list_check(pattern: re.Pattern[str], codes: frozenset[str]) -> Check:
    def check(value: str) -> str | None:
        if value in codes:
            return None
        return UNKNOWN if pattern.fullmatch(value) else MALFORMED

    return check
