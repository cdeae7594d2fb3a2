"""Attributes from small vocabularies, converted together and remembered by their raw values (for the quick way).

``place`` holds region, department and item; ``codes`` the case's and applicant's codes and limits; ``rating`` those of
an evaluation. No personal data is remembered: such attributes are never closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.mapping import rules
from gateway.mapping.entry import check_columns
from gateway.mapping.layout import SINGLE, Piece, fragments, layout
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


class NoAnchorError(Exception):
    """The record has no attribute that is always there in front: the quick way can't write it."""


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
    pieces: list[Piece]


class Grouping:
    """The three groups of a plan, and how they stand among the single attributes of their record."""

    def __init__(self, plan: Plan, paths: Mapping[Kind, Mapping[str, str]], regions: Mapping[str, Region]) -> None:
        closed = [field for field in plan.service if field.attribute.closed]
        place = [field for field in closed if field.attribute.name in _PLACE]
        codes = [field for field in closed if field.attribute.name not in _PLACE]
        rating = [field for field in plan.evaluation if field.attribute.closed]

        inherited = dict.fromkeys(("project_no", "service_number"), SINGLE)
        self.service = _layout("service", plan, plan.service, _owners(plan.service, place=place, codes=codes))
        self.evaluation = _layout(
            "evaluation", plan, plan.evaluation, inherited | _owners(plan.evaluation, rating=rating)
        )

        def group(kind: Kind, name: str, fields: list[Field], pieces: list[Piece]) -> Group:
            own = [piece for piece in pieces if piece.owner == name]
            return Group(fields, plan.optional, plan.severities, paths[kind], regions, Kept(), own)

        self.place = group("service", "place", place, self.service)
        self.codes = group("service", "codes", codes, self.service)
        self.rating = group("evaluation", "rating", rating, self.evaluation)

    def unrated_problem(self) -> Problem:
        """What the general way says of a record without any evaluation."""
        return _converted(self.rating, {}, stop_at="satisfaction").problems[0]


def _layout(kind: Kind, plan: Plan, fields: list[Field], owners: dict[str, str]) -> list[Piece]:
    """Raises :class:`NoAnchorError`."""
    always = frozenset(field.attribute.name for field in fields if field.attribute.need == "R") - plan.optional
    pieces = layout(kind, owners, always)
    if pieces is None and fields:
        raise NoAnchorError
    return pieces or []


def _owners(fields: list[Field], **groups: list[Field]) -> dict[str, str]:
    owners = {field.attribute.name: SINGLE for field in fields}
    for owner, members in groups.items():
        owners |= {field.attribute.name: owner for field in members}
    return owners


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
    """(texts of the pieces, warnings, (area, dept, task)); None when the general way must look."""

    def fill(item: Any) -> Any:
        scope = _converted(group, item)
        rules.check_place(scope, group.paths)
        values = scope.values
        region = group.regions.get(values.get("area_code", ""))
        if scope.refused or region is None or region.valid_from or region.valid_to:
            return None
        where = (values.get("area_code"), values.get("dept_code"), values.get("task_code"))
        check_columns(*where, None, None, None)
        return fragments(values, group.pieces), tuple(scope.problems), where

    return fill


def fill_codes(group: Group) -> Callable[[Any], Any]:
    """(texts of the pieces, warnings, case status as a number, certificate type, service number, service stage)."""

    def fill(item: Any) -> Any:
        scope = _converted(group, item)
        rules.check_codes(scope, group.paths)
        values = scope.values
        if scope.refused or "service_number" not in values:
            return None
        status, stage = int(values.get("project_status", "0")), values.get("service_stage")
        check_columns(None, None, None, None, None, stage)
        texts, warnings = fragments(values, group.pieces), tuple(scope.problems)
        return texts, warnings, status, values.get("user_page_type"), values["service_number"], stage

    return fill


def fill_rating(group: Group) -> Callable[[Any], Any]:
    """(texts, warnings, wants text, round, satisfaction, channel, origin); texts None: no rating was given."""

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
        check_columns(None, None, None, *coded[1:], None)
        return fragments(values, group.pieces), tuple(scope.problems), wants_text, values["assess_number"], *coded

    return fill
