"""Attributes from small vocabularies, converted together and remembered by their raw values (for the quick way).

``place`` holds region, department and item; ``codes`` the case's and applicant's codes and limits; ``rating`` those of
an evaluation. No personal data is remembered: such attributes are never closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.mapping import rules
from gateway.mapping.outcome import Problem
from gateway.mapping.plan import Field, Plan, convert_field
from gateway.mapping.scope import Scope
from schemas.attributes import Kind
from schemas.masters import Region

_LIMIT = 16_384
_PLACE = frozenset(
    {
        *("area_code", "dept_code", "org_code", "org_name", "task_code", "task_handle_item", "task_name", "task_type"),
        *("sub_matter", "data_source"),
    }
)


class Kept(dict[tuple[Any, ...], Any]):
    """Raw values to converted ones; forgets all when it is full, so that memory stays flat."""

    limit = _LIMIT

    def keep(self, key: tuple[Any, ...], value: Any) -> None:
        if len(self) >= self.limit:
            self.clear()
        self[key] = value


class Group(NamedTuple):
    fields: list[Field]
    optional: frozenset[str]
    severities: dict[str, str]
    paths: Mapping[str, str]
    regions: Mapping[str, Region]
    memory: Kept


class Grouping:
    """The three groups of a plan."""

    def __init__(self, plan: Plan, paths: Mapping[Kind, Mapping[str, str]], regions: Mapping[str, Region]) -> None:
        closed = [field for field in plan.service if field.attribute.closed]
        place = [field for field in closed if field.attribute.name in _PLACE]
        codes = [field for field in closed if field.attribute.name not in _PLACE]
        rating = [field for field in plan.evaluation if field.attribute.closed]

        def group(kind: Kind, fields: list[Field]) -> Group:
            return Group(fields, plan.optional, plan.severities, paths[kind], regions, Kept())

        self.place = group("service", place)
        self.codes = group("service", codes)
        self.rating = group("evaluation", rating)

    def unrated_problem(self) -> Problem:
        """What the general way says of a record without any evaluation."""
        return _converted(self.rating, {}, stop_at="satisfaction").problems[0]


def _converted(group: Group, item: Any, stop_at: str | None = None) -> Scope:
    scope = Scope(group.severities)
    for field in group.fields:
        convert_field(field, item, scope)
        if field.attribute.name == stop_at and stop_at not in scope.values:
            return scope
    for field in group.fields:
        name = field.attribute.name
        if field.attribute.need == "R" and name not in group.optional and name not in scope.values:
            scope.of(name, field.path).report("field.required")
    return scope


def fill_place(group: Group) -> Callable[[Any], Any]:
    """(content, warnings, (area, dept, task)); None when the general way must look."""

    def fill(item: Any) -> Any:
        scope = _converted(group, item)
        rules.check_place(scope, group.paths)
        values = scope.values
        region = group.regions.get(values.get("area_code", ""))
        if scope.refused or region is None or region.valid_from or region.valid_to:
            return None
        where = (values.get("area_code"), values.get("dept_code"), values.get("task_code"))
        return values, tuple(scope.problems), where

    return fill


def fill_codes(group: Group) -> Callable[[Any], Any]:
    """(content, warnings, case status as a number, certificate type, service number)."""

    def fill(item: Any) -> Any:
        scope = _converted(group, item)
        rules.check_codes(scope, group.paths)
        values = scope.values
        if scope.refused or "service_number" not in values:
            return None
        status = int(values.get("project_status", "0"))
        return values, tuple(scope.problems), status, values.get("user_page_type"), values["service_number"]

    return fill


def fill_rating(group: Group) -> Callable[[Any], Any]:
    """(content, warnings, wants text, round, satisfaction, channel, origin); content None: no rating was given."""

    def fill(item: Any) -> Any:
        scope = _converted(group, item, stop_at="satisfaction")
        if scope.refused:
            return None
        values = scope.values
        if "satisfaction" not in values:
            return None, tuple(scope.problems), False, None, None, None, None
        rules.check_default_origin(scope, group.paths)
        if scope.refused:
            return None
        wants_text = values["satisfaction"] in {"1", "2"} and not values.get("indicators")
        coded = int(values["satisfaction"]), values["channel"], values["origin"]
        return values, tuple(scope.problems), wants_text, values["assess_number"], *coded

    return fill
