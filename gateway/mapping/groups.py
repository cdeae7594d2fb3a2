"""Attributes from small vocabularies, converted together and remembered by their raw values.

A group is what rules look at together, or what follows from each other; the smaller it is, the fewer different ones
there are. ``task`` holds region, department and item, ``terms`` the time limits, ``codes`` the case's and applicant's
codes; of an evaluation ``evaluator`` holds who gave it, ``rating`` all else. No personal data is remembered: it is
never closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.mapping import rules
from gateway.mapping.entry import check_columns
from gateway.mapping.layout import SINGLE, Piece, fragments, layout
from gateway.mapping.outcome import Problem
from gateway.mapping.paths import Read, node_of
from gateway.mapping.plan import Field, Plan, convert_field
from gateway.mapping.scope import Scope
from gateway.mapping.text import EXACT, SHORT
from schemas.attributes import Kind
from schemas.conditions import AGENT
from schemas.masters import Region

_LIMIT, _REFUSED = 16_384, 1_024
_TASK = frozenset(
    {
        *("area_code", "data_source", "dept_code", "org_code", "org_name"),
        *("task_code", "task_handle_item", "task_name", "task_type", "sub_matter"),
    }
)
_TERMS = frozenset({"promise_day", "promise_type", "anticipate_day", "anticipate_type"})
_EVALUATOR = frozenset({"user_prop", "user_page_type"})

MOST_GROUPS = 3
_NUMBERS = (int, float)


class NoAnchorError(Exception):
    """The record has no attribute that is always there in front: the quick way can't write it."""


class Kept:
    """Raw values to converted ones, None for what was refused; forgets all when it is full, so that memory stays flat.

    Of what is refused, which may be anything, only a little is kept: the good ones shall not have to go for it.
    """

    def __init__(self, limit: int = _LIMIT) -> None:
        self.known: dict[tuple[Any, ...], Any] = {}  # a dictionary as such is read faster than a kind of it
        self.limit = limit
        self._refused = 0

    def keep(self, key: tuple[Any, ...], value: Any) -> None:
        if any(map(_unfit, key)):
            return
        if value is None:
            if self._refused >= _REFUSED:
                return
            self._refused += 1
        if len(self.known) >= self.limit:
            self.known.clear()
            self._refused = 0
        self.known[key] = value


def _unfit(raw: Any) -> bool:
    """A long text, or a number so long that an int equals the float that lost its last digits."""
    if raw.__class__ is str:
        return len(raw) > SHORT
    if raw.__class__ is tuple:
        return len(raw) > SHORT or any(map(_unfit, raw))
    return raw.__class__ in _NUMBERS and not abs(raw) < EXACT


def looks_otherwise(key: tuple[Any, ...]) -> bool:
    """True and 1.0 are kept as 1 is, but a problem shows what was sent."""
    return any(raw.__class__ is bool or raw.__class__ is float for raw in key) or any(
        looks_otherwise(raw) for raw in key if raw.__class__ is tuple
    )


class Group(NamedTuple):
    fields: list[Field]
    optional: frozenset[str]
    severities: dict[str, str]
    paths: Mapping[str, str]
    regions: Mapping[str, Region]
    memory: Kept
    pieces: list[Piece]


class Grouping:
    """The groups of a plan, and how they stand among the single attributes of their record."""

    def __init__(self, plan: Plan, paths: Mapping[Kind, Mapping[str, str]], regions: Mapping[str, Region]) -> None:
        codes, task, terms = vocabularies("service", plan.service)
        rating, evaluator = vocabularies("evaluation", plan.evaluation)

        inherited = dict.fromkeys(("project_no", "service_number"), SINGLE)
        owners = _owners(plan.service, task=task, terms=terms, codes=codes)
        self.service = _layout("service", plan, plan.service, owners)
        owners = inherited | _owners(plan.evaluation, rating=rating, evaluator=evaluator)
        self.evaluation = _layout("evaluation", plan, plan.evaluation, owners)

        def group(kind: Kind, name: str, fields: list[Field], pieces: list[Piece]) -> Group:
            own = [piece for piece in pieces if piece.owner == name]
            return Group(fields, plan.optional, plan.severities, paths[kind], regions, Kept(), own)

        self.task = group("service", "task", task, self.service)
        self.terms = group("service", "terms", terms, self.service)
        self.codes = group("service", "codes", codes, self.service)
        self.rating = group("evaluation", "rating", rating, self.evaluation)
        self.evaluator = group("evaluation", "evaluator", evaluator, self.evaluation)

    def unrated_problem(self) -> Problem:
        """What the general way says of a record without any evaluation."""
        return _converted(self.rating, {}, stop_at="satisfaction").problems[0]


def vocabularies(kind: Kind, fields: list[Field]) -> list[list[Field]]:
    """Those of ``fields`` that come from small vocabularies, by group: codes, task, terms; or rating, evaluator."""
    named = [_TASK, _TERMS] if kind == "service" else [_EVALUATOR]
    closed = [field for field in fields if field.attribute.closed]
    rest = [field for field in closed if not any(field.name in names for names in named)]
    return [rest, *([field for field in closed if field.name in names] for names in named)]


class KeyParts(NamedTuple):
    """All that a group's attributes hang on: a record's key in the group's memory holds, in this order, what stands at
    ``paths``, neighbours next to each other, and what ``conditional`` attributes read. Where a condition doesn't hold,
    something else may stand in that place, perhaps a name, and what a condition asks is anybody's.
    """

    paths: list[str]
    lists: set[str]  # of the paths: a list there becomes a tuple, which can be remembered
    conditional: dict[str, Read]  # by attribute


def key_parts(fields: Sequence[Field]) -> KeyParts:
    conditional = {field.name: _as_tuple(field.read) for field in fields if field.spec.when is not None}
    plain = [(field, field.spec.path) for field in fields if field.spec.when is None]
    paths = sorted({path: None for _, path in plain if path is not None}, key=node_of)
    return KeyParts(paths, {path for field, path in plain if field.attribute.repeated and path}, conditional)


def _as_tuple(read: Read) -> Read:
    return lambda item: tuple(found) if (found := read(item)).__class__ is list else found


def is_parted(kind: Kind, fields: list[Field]) -> bool:
    """Does an attribute of one group follow from one outside of it?"""
    groups = [{field.name: field.leader for field in group} for group in vocabularies(kind, fields)]
    return any(leader not in group for group in groups for leader in group.values() if leader is not None)


def _layout(kind: Kind, plan: Plan, fields: list[Field], owners: dict[str, str]) -> list[Piece]:
    """Raises :class:`NoAnchorError`."""
    always = frozenset(field.attribute.name for field in fields if field.attribute.need == "R") - plan.optional
    pieces = layout(kind, owners, always)
    if pieces is None and fields:
        raise NoAnchorError
    return pieces or []


def _owners(fields: list[Field], **groups: list[Field]) -> dict[str, str]:
    """The group of each attribute that the quick way writes: a record with an agent it leaves to the general way."""
    owners = {field.attribute.name: SINGLE for field in fields if field.attribute.name not in AGENT}
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


def fill_task(group: Group) -> Callable[[Any], Any]:
    """(warnings, region, department, item, texts of the pieces …); None when the general way must look."""

    def fill(item: Any) -> Any:
        scope = _converted(group, item)
        rules.check_task(scope, group.paths)
        rules.check_area(scope, group.paths)
        area, dept, task = map(scope.values.get, ("area_code", "dept_code", "task_code"))
        region = group.regions.get(area or "")
        if scope.refused or region is None or region.valid_from or region.valid_to:
            return None
        check_columns(area, dept, task, None, None, None)
        return tuple(scope.problems), area, dept, task, *fragments(scope.values, group.pieces)

    return fill


def fill_terms(group: Group) -> Callable[[Any], Any]:
    """(warnings, texts of the pieces …)."""
    return _fill_texts(group, rules.check_terms)


def fill_evaluator(group: Group) -> Callable[[Any], Any]:
    """(warnings, certificate type of the evaluator, texts of the pieces …)."""
    return _fill_texts(group, rules.check_codes, "user_page_type")


def _fill_texts(group: Group, check: Callable[[Scope, Mapping[str, str]], None], *shown: str) -> Callable[[Any], Any]:
    def fill(item: Any) -> Any:
        scope = _converted(group, item)
        check(scope, group.paths)
        if scope.refused:
            return None
        return tuple(scope.problems), *map(scope.values.get, shown), *fragments(scope.values, group.pieces)

    return fill


def fill_codes(group: Group) -> Callable[[Any], Any]:
    """(warnings, case status as a number, certificate type, service number, service stage, texts of the pieces …)."""

    def fill(item: Any) -> Any:
        scope = _converted(group, item)
        rules.check_codes(scope, group.paths)
        values = scope.values
        if scope.refused or "service_number" not in values:
            return None
        status, stage = int(values.get("project_status", "0")), values.get("service_stage")
        check_columns(None, None, None, None, None, stage)
        found = status, values.get("user_page_type"), values["service_number"], stage
        return tuple(scope.problems), *found, *fragments(values, group.pieces)

    return fill


def fill_rating(group: Group) -> Callable[[Any], Any]:
    """(warnings, wants text, round, satisfaction, channel, origin, texts of the pieces …); none of them: unrated."""

    def fill(item: Any) -> Any:
        scope = _converted(group, item, stop_at="satisfaction")
        if scope.refused:
            return None
        values = scope.values
        if "satisfaction" not in values:
            return tuple(scope.problems), *[None] * (5 + len(group.pieces))
        rules.check_default_origin(scope, group.paths)
        if scope.refused:
            return None
        wants_text = values["satisfaction"] in {"1", "2"} and not values.get("indicators")
        coded = int(values["satisfaction"]), values["channel"], values["origin"]
        check_columns(None, None, None, *coded[1:], None)
        found = wants_text, values["assess_number"], *coded
        return tuple(scope.problems), *found, *fragments(values, group.pieces)

    return fill
