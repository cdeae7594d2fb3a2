"""What makes one record acceptable on its own: form, codes, region, item, identity. Its place among others is judged
in :mod:`sandbox.platform.judge`."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sandbox.platform import canonical
from sandbox.platform.fields import MALFORMED, load_fields
from sandbox.platform.identity import CHECKS

KINDS = ("service", "evaluation", "rectification")
KEY_PARTS = {
    "service": ("projectNo", "serviceNumber"),
    "evaluation": ("projectNo", "serviceNumber", "assessNumber"),
    "rectification": ("projectNo", "serviceNumber", "assessNumber", "cycle"),
}
PARENT_KIND = {"evaluation": "service", "rectification": "evaluation"}
_RECORD_FIELDS = {"data", "key", "kind", "version"}
_TASK_CODE = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{18}[1-7]\d{12}", re.ASCII)
_PAIRS = (("promiseDay", "promiseType"), ("anticipateDay", "anticipateType"))
_AGENT = ("handleUserName", "handleUserPageType", "handleUserPageCode")
_CERTIFICATES = (("userPageType", "certKeyGOV"), ("handleUserPageType", "handleUserPageCode"))
_CASE_DATES = {"1": (), "2": ("acceptDate",), "3": ("acceptDate", "resultDate")}
_CLOSING = ("verifyResult", "rectification", "feedbackTime", "feedbackChannel")
_ARCHIVED = "90"
_SKEW = timedelta(minutes=5)


class UnacceptableError(Exception):
    """One record is refused: its item code and a sentence without personal data."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(code, message)


class Record(NamedTuple):
    """A record that could be read: canonical, of a known kind, with a key that fits its data."""

    kind: str
    key: str
    version: int
    data: dict[str, str]

    @property
    def parent(self) -> tuple[str, str] | None:
        """Kind and key of the parent, or None for a service record."""
        kind = PARENT_KIND.get(self.kind)
        return None if kind is None else (kind, self.key.rpartition("#")[0])


def read_codes(path: Path | None, column: str) -> frozenset[str] | None:
    """One column of a CSV file as a set, or None without a file."""
    if path is None:
        return None
    with path.open(encoding="utf-8-sig", newline="") as file:
        return frozenset(row[column].strip() for row in csv.DictReader(file) if row[column].strip())


def read_record(raw: bytes) -> Record:
    """UnacceptableError ``schema.invalid`` if the bytes are no record; what stands in ``data`` is not judged yet."""
    try:
        value = canonical.read_shape(raw)
    except canonical.NotCanonicalError as error:
        raise _invalid("not canonical JSON") from error
    if not isinstance(value, dict) or value.keys() != _RECORD_FIELDS:
        raise _invalid("not the four fields of a record")
    kind, key, version, data = value["kind"], value["key"], value["version"], value["data"]
    parts = KEY_PARTS.get(kind) if isinstance(kind, str) else None
    if parts is None:
        raise _invalid("unknown kind")
    if type(version) is not int or not 1 <= version <= canonical.LARGEST_INTEGER:
        raise _invalid("version")
    if not isinstance(data, dict) or set(map(type, data.values())) != {str} or "" in data.values():
        raise _invalid("data holds something that is not a non-empty string")
    if not isinstance(key, str) or any(part not in data for part in parts):
        raise _invalid("key or a part of it is missing")
    if key != "#".join([data[part] for part in parts]):
        raise _invalid("the key does not fit the data")
    return Record(kind, key, version, data)


def loose_field(raw: bytes, name: str) -> str:
    """``kind`` or ``key`` of bytes that may be no proper record; empty when unreadable."""
    try:
        value = canonical.read(raw)
    except canonical.NotCanonicalError as error:
        value = error.value
    field = value.get(name) if isinstance(value, dict) else None
    return field if isinstance(field, str) else ""


def latest_moment(now: datetime) -> str:
    """In wire form, 5 minutes of skew granted."""
    return (now + _SKEW).strftime("%Y-%m-%d %H:%M:%S")


class RecordRules:
    """The rules with the code lists, and the regions and items that this platform knows (None: any well-formed)."""

    def __init__(self, regions: frozenset[str] | None, items: frozenset[str] | None) -> None:
        self._fields = load_fields()
        self._regions = regions
        self._items = items

    def check(self, record: Record, latest: str) -> None:
        """UnacceptableError with the first problem found. ``latest`` is the last moment that is not in the future."""
        data = record.data
        self._check_fields(record.kind, data)
        if record.kind == "service":
            _check_service(data, latest)
        elif record.kind == "evaluation":
            _check_evaluation(data, latest)
        else:
            _check_rectification(data)
        self._check_masters(data)
        _check_identity(data)

    def _check_fields(self, kind: str, data: dict[str, str]) -> None:
        fields = self._fields[kind]
        lengths, passed = fields.lengths, fields.passed
        if not fields.required <= data.keys():
            raise _invalid(f"missing: {', '.join(sorted(fields.required - data.keys()))}")
        unknown_code = None
        for name, value in data.items():
            longest = lengths.get(name)
            if longest is not None:
                if len(value) > longest:
                    raise _invalid(f"too long: {name}")
                continue
            seen = passed.get(name)
            if seen is None:
                raise _invalid("a field that this kind does not have")
            if value in seen:
                continue
            problem = fields.problem(name, value)
            if problem == MALFORMED:
                raise _invalid(f"malformed: {name}")
            if problem is not None:
                unknown_code = unknown_code or (problem, name)
        if unknown_code is not None:
            raise UnacceptableError(unknown_code[0], f"not in its code list: {unknown_code[1]}")

    def _check_masters(self, data: dict[str, str]) -> None:
        area, task = data.get("areaCode"), data.get("taskCode")
        if area is not None and self._regions is not None and area not in self._regions:
            raise UnacceptableError("region.unknown", "areaCode is no region of this platform")
        if task is None:
            return
        known = task in self._items if self._items is not None else _TASK_CODE.fullmatch(task) is not None
        if not known:
            raise UnacceptableError("item.unknown", "taskCode is no item of this platform")


def _invalid(message: str) -> UnacceptableError:
    return UnacceptableError(MALFORMED, message)


def _require(data: dict[str, str], names: Iterable[str], why: str) -> None:
    for name in names:
        if name not in data:
            raise _invalid(f"missing: {name} ({why})")


def _check_service(data: dict[str, str], latest: str) -> None:
    _require(data, _CASE_DATES[data["proStatus"]], "by proStatus")
    for pair in _PAIRS:
        _all_or_none(data, pair)
    _all_or_none(data, _AGENT)
    if "certKey" not in data and "certKeyGOV" not in data:
        raise _invalid("missing: certKey or certKeyGOV")
    if not data.get("taskHandleItem", data["taskCode"]).startswith(data["taskCode"]):
        raise _invalid("taskHandleItem does not start with taskCode")
    if data["serviceTime"] > latest:
        raise _invalid("serviceTime lies in the future")
    dates = [data[name] for name in ("applydate", "acceptDate", "resultDate") if name in data]
    if dates != sorted(dates):
        raise _invalid("applydate, acceptDate, resultDate out of order")


def _check_evaluation(data: dict[str, str], latest: str) -> None:
    satisfaction, detail = data["satisfaction"], data.get("evalDetail")
    if detail is not None:
        codes = detail.split(",")
        if codes != sorted(set(codes)) or any(code[0] != satisfaction for code in codes):
            raise _invalid("evalDetail not ascending, repeated or of another level")
    if satisfaction in "12" and detail is None and not data.get("writingEvaluation", "").strip():
        raise _invalid("a negative evaluation without indicator or text")
    _all_or_none(data, _AGENT)
    if data["assessTime"] > latest:
        raise _invalid("assessTime lies in the future")


def _check_rectification(data: dict[str, str]) -> None:
    if data["orderStatus"] == _ARCHIVED:
        _require(data, _CLOSING, "to close")


def _all_or_none(data: dict[str, str], names: tuple[str, ...]) -> None:
    first = names[0] in data
    for name in names:
        if (name in data) is not first:
            raise _invalid(f"all or none: {', '.join(names)}")


def _check_identity(data: dict[str, str]) -> None:
    for kind, number in _CERTIFICATES:
        value = data.get(number)
        if value is None:
            continue
        check = CHECKS.get(data.get(kind, ""))
        if check is not None and not check(value):
            raise UnacceptableError("identity.invalid", f"check digit: {number}")
