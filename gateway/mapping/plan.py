"""A source's mapping, checked against records, lists and masters: everything a record needs, found out once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from gateway.domain.problem import PROBLEMS
from gateway.errors import Misconfigured
from gateway.mapping.convert import Convert, Known, Setting, converter
from gateway.mapping.masters import Masters
from gateway.mapping.paths import Read, holds, path_reader
from gateway.mapping.scope import Scope
from gateway.mapping.spec import Condition, FieldSpec, MappingSpec
from gateway.mapping.written import complaint, invalid, suggestion
from schemas import code_lists
from schemas.attributes import ATTRIBUTES, Attribute, Kind
from schemas.source import SourceFile

_NEW = object()
_KEY = frozenset({"project_no", "service_number", "service_time"})  # without these there is no record
_KEY_PARTS = frozenset({"project_no", "service_number", "satisfaction", "assess_number"})
FIRST_ROUND = "1"


class Field(NamedTuple):
    """One attribute, ready to be mapped."""

    attribute: Attribute
    spec: FieldSpec
    convert: Convert
    known: Known  # what it has already converted
    read: Read
    path: str  # for problems: the path, or what stands in its stead
    name: str  # the attribute's
    leader: str | None  # the attribute that its value follows from


class Plan(NamedTuple):
    spec: MappingSpec
    severities: dict[str, str]
    service: list[Field]
    evaluation: list[Field]
    optional: frozenset[str]


def compile_plan(source: SourceFile, masters: Masters) -> Plan:
    """The plan of ``source``; Misconfigured('mapping.…') with file, line, key and what was expected."""
    return _Compiler(source, masters).plan()


def key_fields(fields: list[Field]) -> list[Field]:
    """Those of ``fields`` that the key is made of, and whether there is a rating; all, if one rests on others."""
    ordering = {field.spec.order for field in fields}
    chosen = [field for field in fields if field.attribute.name in _KEY_PARTS | ordering]
    if any(field.spec.same is not None or field.spec.item is not None for field in chosen):
        return fields
    return chosen


def convert_field(field: Field, item: dict[str, Any], scope: Scope) -> None:
    """Convert one attribute of ``item`` into ``scope``."""
    _, spec, convert, known, read, path, name, leader = field
    if leader is None:
        raw = read(item)
    elif leader in scope.failed:
        scope.failed.add(name)
        return
    else:
        raw = _followed(spec, scope)
    value = known.get(raw, _NEW) if raw.__class__ is str or raw.__class__ is int else _NEW
    if value is _NEW:
        scope.field, scope.path = name, path
        value = convert(raw, scope)
    if value is not None:
        scope.values[name] = value


def _followed(spec: FieldSpec, scope: Scope) -> Any:
    if spec.item == "handle_item":
        return scope.handle_item
    if spec.item is not None:
        return getattr(scope.item, spec.item, None)
    return scope.values.get(spec.same or "")


class _Compiler:
    def __init__(self, source: SourceFile, masters: Masters) -> None:
        self._source = source
        self._masters = masters
        try:
            self._spec = MappingSpec.model_validate(source.mapping)
        except ValidationError as broken:
            keys, expected = complaint(MappingSpec, broken)
            raise self._refuse(keys, expected) from broken

    def plan(self) -> Plan:
        profile = self._spec.profile
        self._setting = Setting(self._masters, self._masters.items_of(self._source.region), profile)
        try:
            re.compile(profile.item_pattern)
        except re.error as broken:
            raise self._refuse(("profile", "item_pattern"), "a regular expression") from broken
        service = self._fields("service", self._spec.service) if self._spec.service is not None else []
        evaluation = self._fields("evaluation", self._spec.evaluation) if self._spec.evaluation is not None else []
        return Plan(self._spec, self._severities(), service, evaluation, frozenset(profile.optional))

    def _refuse(self, keys: tuple[str, ...], expected: str, code: str = "mapping.invalid") -> Misconfigured:
        file, line = self._source.where("mapping", *keys)
        return invalid(file, line, ("mapping", *keys), expected, code)

    def _severities(self) -> dict[str, str]:
        severities: dict[str, str] = {code: kind.severity for code, kind in PROBLEMS.items()}
        for index, code in enumerate(self._spec.profile.raise_):
            if code not in PROBLEMS or PROBLEMS[code].severity != "W":
                warnings = [name for name, kind in PROBLEMS.items() if kind.severity == "W"]
                raise self._refuse(("profile", "raise", str(index)), suggestion(code, warnings))
            severities[code] = "E"
        for index, code in enumerate(self._spec.profile.lower):
            if code not in PROBLEMS or not PROBLEMS[code].lowerable:
                lowerable = [name for name, kind in PROBLEMS.items() if kind.lowerable]
                raise self._refuse(("profile", "lower", str(index)), suggestion(code, lowerable))
            severities[code] = "W"
        return severities

    def _fields(self, kind: Kind, specs: Mapping[str, FieldSpec]) -> list[Field]:
        known = ATTRIBUTES[kind]
        for name in specs:
            if name not in known:
                raise self._refuse((kind, name), suggestion(name, known))
        inherited = {"project_no", "service_number"} if kind == "evaluation" and self._spec.service else set()
        optional = self._spec.profile.optional
        for index, name in enumerate(optional):
            if name not in ATTRIBUTES["service"] or name in _KEY:
                raise self._refuse(
                    ("profile", "optional", str(index)), suggestion(name, ATTRIBUTES["service"].keys() - _KEY)
                )
        for name, attribute in known.items():
            if attribute.need == "R" and name not in specs and name not in inherited and name not in optional:
                raise self._refuse((kind,), f"{name} ({attribute.title})")
        if kind == "service" and not {"cert_key", "cert_key_gov"} & specs.keys():
            raise self._refuse((kind,), "cert_key or cert_key_gov")
        # In the order of the data file, but what others refer to comes first.
        ordered = sorted(specs, key=lambda name: (self._rank(specs[name], name), list(known).index(name)))
        fields: list[Field] = []
        for name in ordered:
            fields.append(self._field(kind, known[name], specs[name], [field.attribute.name for field in fields]))
        return fields

    @staticmethod
    def _rank(spec: FieldSpec, name: str) -> int:
        if spec.as_ == "item" or name == "satisfaction":
            return 0
        return 2 if spec.same is not None else 1

    def _field(self, kind: Kind, attribute: Attribute, spec: FieldSpec, mapped: list[str]) -> Field:
        keys = (kind, attribute.name)
        table = self._table(keys, attribute, spec)
        self._check_declarations(keys, attribute, spec)
        if spec.item is not None and "task_code" not in mapped:
            raise self._refuse((*keys, "item"), "task_code with 'as: item'")
        if spec.same is not None and spec.same not in mapped:
            raise self._refuse((*keys, "same"), suggestion(spec.same, mapped))
        constant = spec.value if spec.value is not None else spec.default
        if constant is not None and table is None and attribute.code_list is not None:
            self._allowed((*keys, "value" if spec.value is not None else "default"), attribute, constant)
        if table is not None and spec.table is not None and self._masters.tables[spec.table].coarse:
            spec = spec.model_copy(update={"coarse": True})
        convert, known = converter(attribute, spec, table, self._setting)
        read = _reader(spec) if spec.when is None else _conditional(_reader(spec), spec.when)
        leader = "task_code" if spec.item is not None else spec.same
        return Field(attribute, spec, convert, known, read, _shown_path(spec), attribute.name, leader)

    def _table(self, keys: tuple[str, ...], attribute: Attribute, spec: FieldSpec) -> dict[str, str | None] | None:
        if spec.table is None and spec.map is None:
            return None
        table: dict[str, str | None] = {}
        if spec.table is not None:
            shared = self._masters.tables.get(spec.table)
            if shared is None:
                raise self._refuse((*keys, "table"), suggestion(spec.table, self._masters.tables))
            wanted = "evaluation_round" if attribute.name == "assess_number" else attribute.code_list
            if shared.list_ != wanted:
                raise self._refuse((*keys, "table"), f"a table of {wanted}, not of {shared.list_}")
            if not shared.decided:
                raise self._refuse((*keys, "table"), shared.note or shared.table, "mapping.table_undecided")
            table.update(shared.map)
        for source_value, code in (spec.map or {}).items():
            if code is not None and attribute.code_list is not None:
                self._allowed((*keys, "map", source_value), attribute, code)
            table[source_value] = code
        return table

    def _allowed(self, keys: tuple[str, ...], attribute: Attribute, code: str) -> None:
        if attribute.code_list is not None and not code_lists.allows(attribute.code_list, code):
            choice = ", ".join(sorted(code_lists.codes(attribute.code_list)))
            raise self._refuse(keys, f"{attribute.code_list}: {choice}")

    def _check_declarations(self, keys: tuple[str, ...], attribute: Attribute, spec: FieldSpec) -> None:
        name = attribute.name
        if name == "satisfaction":
            if spec.path is None:
                raise self._refuse(keys, "a path: a rating is never a constant")
            if spec.default is not None:
                raise self._refuse((*keys, "default"), "no default: a rating is never invented")
            if spec.map is None and spec.table is None and spec.scale is None:
                raise self._refuse(keys, "scale, map or table", "satisfaction.scale_undeclared")
        only = {
            "scale": ("satisfaction",),
            "unrated": ("satisfaction",),
            "separator": ("indicators", "writing_evaluation"),
            "coarse": ("user_prop",),
            "order": ("assess_number",),
        }
        for key, names in only.items():
            if getattr(spec, key) and name not in names:
                raise self._refuse((*keys, key), f"only for {', '.join(names)}")
        if spec.order is not None:
            self._check_order((*keys, "order"), spec)
        if spec.by == "name" and name != "indicators":
            raise self._refuse((*keys, "by"), "only for indicators")
        if spec.by == "pair" and (name not in only["separator"] or spec.separator is None):
            raise self._refuse((*keys, "by"), "only for indicators and their free text, with a separator")
        if name == "writing_evaluation" and spec.separator is not None and spec.by != "pair":
            raise self._refuse((*keys, "separator"), "only with 'by: pair'")
        mapped = "map" if spec.map is not None else "table"
        if (spec.map is not None or spec.table is not None) and _unmappable(attribute, spec):
            raise self._refuse((*keys, mapped), "no map: times, free text, items and departments have none")
        if spec.times is not None and attribute.form != "dt":
            raise self._refuse((*keys, "times"), "only for times")
        if attribute.form == "dt" and (spec.value or spec.default or spec.item):
            raise self._refuse(keys, "a path: a time is never a constant")
        wanted = {"region": "area_code", "item": "task_code", "organisation": "dept_code"}
        if spec.as_ is not None and wanted[spec.as_] != name:
            raise self._refuse((*keys, "as"), f"only for {wanted[spec.as_]}")

    def _check_order(self, keys: tuple[str, ...], spec: FieldSpec) -> None:
        """The round decides the key, and a revision or a condition would need the key first."""
        if self._spec.revision is not None:
            raise self._refuse(keys, "no revision beside it: which evaluation it revises could not be told")
        if spec.model_fields_set != {"order"}:
            raise self._refuse(keys, "nothing else beside it")


def _unmappable(attribute: Attribute, spec: FieldSpec) -> bool:
    return (
        attribute.form in {"dt", "ul"} or attribute.name == "task_handle_item" or spec.as_ in {"item", "organisation"}
    )


def _shown_path(spec: FieldSpec) -> str:
    return spec.path or (f"={spec.value}" if spec.value is not None else f"{spec.item or spec.same or spec.order}")


def _reader(spec: FieldSpec) -> Read:
    if spec.path is not None:
        return path_reader(spec.path)
    constant = FIRST_ROUND if spec.order is not None else spec.value
    return lambda _item: constant


def _conditional(read: Read, condition: Condition) -> Read:
    met = holds(condition)
    return lambda item: read(item) if met(item) else None
