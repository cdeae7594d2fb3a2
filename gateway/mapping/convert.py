"""One attribute's conversion: raw value to canonical value, or a problem (records.md section 5, normalisation)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from gateway.domain import mask
from gateway.domain.check_digit import credit_code_valid
from gateway.mapping.masters import Masters
from gateway.mapping.scope import Scope
from gateway.mapping.spec import FieldSpec, Profile
from gateway.mapping.text import SHORT, NotAScalarError, tidy, trimmed
from gateway.mapping.times import USUAL_FORMS, UnparsableError, is_date_only, reader
from schemas import code_lists
from schemas.attributes import PATTERNS, Attribute
from schemas.masters import Item, Region

Convert = Callable[[Any, Scope], Any]
Known = dict[str | int, Any]  # raw values that were converted without a fault, and what they became

_REMEMBERED = 1_024  # raw values of one attribute
_UPPER = frozenset({"dept_code", "org_code", "task_code", "task_handle_item", "cert_key_gov", "handle_user_page_code"})
_MOBILE = re.compile(r"(?:\+?86-?)?1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}")
_PROJECT_NO, _ORG_CODE = (re.compile(PATTERNS[name]) for name in ("project_no", "org_code"))


def converter(
    attribute: Attribute, spec: FieldSpec, table: Mapping[str, str | None] | None, setting: Setting
) -> tuple[Convert, Known]:
    """The conversion of ``attribute`` as ``spec`` declares it; it never raises, it reports to the scope.

    Beside it its memory, where whoever converts may look first (a string or an int only: ``1e16 == 10**16``, but the
    former has lost digits). It stays empty but for small vocabularies: nothing personal is ever remembered.
    """
    known: Known = {}
    if spec.as_ == "region":
        convert = _region(setting.masters.regions, table or {})
    elif spec.as_ == "item":
        convert = _item(setting.items, setting.profile.item_pattern)
    elif attribute.repeated:
        convert = _indicators(spec, table or {})
    elif attribute.form == "dt":
        convert = _time(tuple(spec.times or USUAL_FORMS))
    elif attribute.form == "ul":
        convert = _free_text(attribute, spec)
    elif attribute.name == "task_handle_item":
        convert = _handling_item(attribute, spec)
    elif attribute.name == "satisfaction":
        convert = _remembered(_satisfaction(spec, table), known)
    elif table is not None:
        convert = _mapped(attribute, table, spec)
        convert = _remembered(convert, known) if attribute.closed else convert
    elif spec.as_ == "organisation":
        convert = _remembered(_organisation(attribute, setting.masters), known)
    else:
        convert = _remembered(_plain(attribute, spec), known) if attribute.closed else _plain(attribute, spec)
    return _guarded(convert, spec), known


class Setting:
    """What conversions of one source share."""

    def __init__(self, masters: Masters, items: Mapping[str, Item], profile: Profile) -> None:
        self.masters = masters
        self.items = items
        self.profile = profile


def _remembered(convert: Convert, known: Known) -> Convert:
    """``convert``, which depends on nothing but the raw value, writing down what it found no fault with."""

    def remembered(raw: Any, scope: Scope) -> Any:
        before = len(scope.problems)
        value = convert(raw, scope)
        if len(scope.problems) == before and (raw.__class__ is int or (raw.__class__ is str and len(raw) <= SHORT)):
            if len(known) >= _REMEMBERED:
                known.clear()
            known[raw] = value
        return value

    return remembered


def _guarded(convert: Convert, spec: FieldSpec) -> Convert:
    default = spec.default

    def guarded(raw: Any, scope: Scope) -> Any:
        try:
            if default is not None and (raw is None or raw == ""):
                raw = default
            return convert(raw, scope)
        except NotAScalarError as other:
            scope.fail("field.type", raw, str(other))
            return None

    return guarded


def fitting(attribute: Attribute, value: str, raw: Any, scope: Scope) -> str | None:
    """``value`` when it fits the attribute's form, length and list."""
    if attribute.form == "n" and not (value.isascii() and value.isdigit()):
        scope.fail("field.type", raw, "digits")
        return None
    if attribute.code_list is not None and not code_lists.allows(attribute.code_list, value):
        scope.fail("code.unknown", raw, attribute.code_list)
        return None
    if not attribute.shortest <= len(value) <= attribute.longest:
        scope.fail("field.length", raw, f"{attribute.shortest}-{attribute.longest}")
        return None
    return value


def _plain(attribute: Attribute, spec: FieldSpec) -> Convert:
    name = attribute.name
    counted = attribute.form == "n" and attribute.shortest != attribute.longest
    upper = name in _UPPER or "upper" in spec.transform

    def convert(raw: Any, scope: Scope) -> str | None:
        value = tidy(raw)
        if value is None:
            return None
        if upper:
            value = value.upper()
        if "lower" in spec.transform:
            value = value.lower()
        if counted and value.isascii() and value.isdigit():
            value = value.lstrip("0") or "0"
        fitted = fitting(attribute, value, raw, scope)
        if fitted is not None:
            _check(name, fitted, raw, scope)
        return fitted

    return convert


def _check(name: str, value: str, raw: Any, scope: Scope) -> None:
    """Rules of single attributes that no form or list can say."""
    if name == "project_no" and not _PROJECT_NO.fullmatch(value):
        scope.report("project_no.charset", raw, PATTERNS["project_no"])
    elif name in {"service_number", "assess_number"} and value == "0":
        scope.fail("field.type", raw, "1-99")
    elif name == "assess_number" and value not in code_lists.codes("evaluation_round"):
        scope.report("code.unknown", raw, "evaluation_round", "W")
    elif name == "mobile" and not _MOBILE.fullmatch(value):
        scope.report("mobile.format", raw)
    elif name == "org_code" and not _ORG_CODE.fullmatch(value):
        scope.fail("field.type", raw, "credit code, or area code _ credit code")
    elif name == "task_type" and value == "99":
        scope.report("item.type_fallback", raw)


def _mapped(attribute: Attribute, table: Mapping[str, str | None], spec: FieldSpec) -> Convert:
    def convert(raw: Any, scope: Scope) -> str | None:
        value = tidy(raw) or ""
        if value in table:
            mapped = table[value]
        elif not value:
            return None
        elif "*" in table:
            mapped = table["*"]
        else:
            scope.fail("source.unmapped", raw, ", ".join(key for key in table if key))
            return None
        if mapped is None:
            return None
        if spec.coarse:
            scope.report("coarse.applicant_type", raw)
        _check(attribute.name, mapped, raw, scope)
        return fitting(attribute, mapped, raw, scope)

    return convert


def _satisfaction(spec: FieldSpec, table: Mapping[str, str | None] | None) -> Convert:
    """Only from a declared scale or table; a declined or missing rating makes no evaluation (rule 6)."""
    entries = table if table is not None else {code: code for code in code_lists.codes("satisfaction")}

    def convert(raw: Any, scope: Scope) -> str | None:
        value = tidy(raw)
        if value is None or value in spec.unrated or (value in entries and entries[value] is None):
            scope.report("satisfaction.unrated", raw)
            return None
        if value not in entries:
            scope.fail("satisfaction.unknown", raw, ", ".join(entries))
            return None
        return entries[value]

    return convert


def _region(regions: Mapping[str, Region], site: Mapping[str, str | None]) -> Convert:
    """A code of 6 or 9 digits is padded; what is shorter needs the source's own table (trap area-short)."""

    @lru_cache(maxsize=1024)  # what is unknown comes again and again, and looking for what is near is slow
    def near(start: str) -> str:
        siblings = [code for code in regions if code.startswith(start[:4])]
        return next(iter(difflib.get_close_matches(start.ljust(12, "0"), siblings, n=1, cutoff=0.5)), "")

    def convert(raw: Any, scope: Scope) -> str | None:
        value = tidy(raw)
        if value is None:
            return None
        value = site.get(value, value)
        if value is None:
            return None
        code = value.ljust(12, "0") if len(value) in {6, 9, 12} and value.isascii() and value.isdigit() else ""
        if code not in regions:
            scope.fail("region.unknown", raw, near(value[:6]) if len(value) >= 4 else "")
            return None
        if len(value) < 12:
            scope.report("region.short", raw, code)
        return code

    return convert


def _organisation(attribute: Attribute, masters: Masters) -> Convert:
    """A department of the master passes as it is; any other must at least be a valid credit code."""

    def convert(raw: Any, scope: Scope) -> str | None:
        value = tidy(raw)
        if value is None:
            return None
        value = value.upper()
        if value in masters.organisations:
            return value
        fitted = fitting(attribute, value, raw, scope)
        if fitted is None:
            return None
        if credit_code_valid(value):
            scope.report("org.unknown", raw)
        else:
            meant = value.replace("O", "0").replace("I", "1")
            scope.report("org.check_digit", raw, meant if credit_code_valid(meant) else "")
        return value

    return convert


def _item(items: Mapping[str, Item], pattern: str) -> Convert:
    """A published code to its item; of 33 characters, the first 31 are the task code (rule 3)."""
    strict = re.compile(pattern)

    def convert(raw: Any, scope: Scope) -> str | None:
        written = tidy(raw)
        if written is None:
            return None
        value = written.upper()
        whole = items.get(value[:31]) if len(value) == 33 else None
        item = items.get(written) or items.get(value) or whole
        if whole is not None:
            scope.handle_item = value
            scope.report("item.code_split", raw)
        if item is None:
            scope.fail("item.unknown", raw)
            return None
        scope.item = item
        if not strict.fullmatch(item.task_code):
            scope.report("item.code_format", raw, pattern)
        if item.local_only:
            scope.report("item.local_only", raw)
        return item.task_code

    return convert


def _handling_item(attribute: Attribute, spec: FieldSpec) -> Convert:
    """The handling item sent, or split off the task code; the task code sent again is none (rule 3)."""
    plain = _plain(attribute, spec)

    def convert(raw: Any, scope: Scope) -> str | None:
        value = tidy(raw)
        if value is None:
            return scope.handle_item
        return None if value.upper() == scope.values.get("task_code") else plain(raw, scope)

    return convert


def _indicators(spec: FieldSpec, table: Mapping[str, str | None]) -> Convert:
    """Codes ascending, without repeats; the first digit of each is the satisfaction (rule 2)."""

    def convert(raw: Any, scope: Scope) -> list[str] | None:
        satisfaction = scope.values.get("satisfaction")
        found: set[str] = set()
        for entry in _pairs(raw, spec.separator) if spec.by == "pair" else _entries(raw, spec.separator):
            code = _indicator_code(entry, spec.by, table, satisfaction, scope)
            if code is None:
                continue
            if code in found:
                scope.report("indicator.repeated", code)
            elif satisfaction is not None and code[:1] != satisfaction:
                scope.report("indicator.level_mismatch", code, satisfaction)
            else:
                _known_indicator(code, scope)
            found.add(code)
        return sorted(found) or None

    return convert


def _entries(raw: Any, separator: str | None) -> list[Any]:
    if isinstance(raw, (list, tuple)):
        return list(raw)
    written = tidy(raw)
    if written is None:
        return []
    return written.split(tidy(separator) or separator) if separator else [written]


def _segments(raw: Any, separator: str | None) -> tuple[list[str], str | None]:
    """``text,code|text,code|free text`` (trap indicator-fj-pairs): the pairs, and the last segment without a comma.

    The comma is the ASCII one; free text is not rewritten, so one in full width stays what it is.
    """
    segments = (trimmed(raw) or "").split(separator)
    last = None if "," in segments[-1] else trimmed(segments.pop())
    return segments, last


def _pairs(raw: Any, separator: str | None) -> list[str]:
    return _segments(raw, separator)[0]


def _indicator_code(
    entry: Any, by: str, table: Mapping[str, str | None], satisfaction: str | None, scope: Scope
) -> str | None:
    value = tidy(entry)
    if value is not None and by == "pair":
        value = tidy(value.rpartition(",")[2]) or value
    if value is None or (value in table and table[value] is None):
        return None
    if by != "name" or value in table:
        value = table.get(value) or value
        if re.fullmatch(r"[0-9]{3}", value):
            return value
        scope.fail("field.type", entry, "three digits")
        return None
    named = code_lists.indicator_codes_by_name()
    levels = [int(satisfaction)] if satisfaction is not None else []
    for level in (*levels, 5, 4, 3, 2, 1):
        if (level, value) in named:
            return named[level, value]
    scope.fail("source.unmapped", entry)
    return None


def _known_indicator(code: str, scope: Scope) -> None:
    known = code_lists.indicators().get(code)
    if known is None:
        scope.report("indicator.unknown", code)
    elif not known.enabled:
        scope.report("indicator.disabled", code)


def _time(forms: tuple[str, ...]) -> Convert:
    read = reader(forms)

    def convert(raw: Any, scope: Scope) -> str | None:
        value = raw if isinstance(raw, int) and not isinstance(raw, bool) else tidy(raw)
        if value is None:
            return None
        try:
            return read(value)
        except UnparsableError:
            scope.fail("time.date_only" if is_date_only(raw, forms) else "time.unparsable", raw, ", ".join(forms))
            return None

    return convert


def _free_text(attribute: Attribute, spec: FieldSpec) -> Convert:
    """Free text; of ``text,code|text,code|free text`` the last part, when it is no pair."""

    def convert(raw: Any, scope: Scope) -> str | None:
        value = trimmed(raw)
        if spec.by == "pair":
            value = _segments(raw, spec.separator)[1]
        if value is None:
            return None
        if len(value) > attribute.longest:
            scope.fail("field.length", raw, f"0-{attribute.longest}")
            return None
        if mask.holds_personal_data(value):
            scope.report("text.contains_personal_data", raw)
        return value

    return convert
