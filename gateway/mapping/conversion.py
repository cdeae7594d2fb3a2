"""Converting (转换) all attributes of one kind of record, in the general way.

Of the attributes of a record with a fault most are as good as ever. Those from small vocabularies are converted
together and remembered by their raw values, with what there is to say about them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from gateway.mapping.groups import MOST_GROUPS, Kept, key_parts, looks_otherwise, vocabularies
from gateway.mapping.outcome import Problem
from gateway.mapping.paths import reader_of_all
from gateway.mapping.plan import Field, convert_field
from gateway.mapping.scope import Scope
from schemas.attributes import Kind
from schemas.masters import Item

DECISIVE = "satisfaction"  # without it there is no evaluation, and nothing else of one is looked at
REMEMBERED = 2_048  # combinations of raw values in records with a fault, of each group
UNREAD: Final = object()
"""In the place of a value that is still to be converted."""
Keys = Sequence[tuple[Any, ...] | None]
"""The raw values of each group, in the order of :func:`vocabularies`, where they have been read already."""
UNKNOWN: Final[Keys] = (None,) * MOST_GROUPS
_NOTHING: Final[Mapping[str, Any]] = {}


class Conversion:
    """Of ``fields``, in the order of the plan, which is the order of the problems as well."""

    def __init__(self, kind: Kind, fields: list[Field], severities: Mapping[str, str]) -> None:
        self._severities = severities
        self._order = {field.name: number for number, field in enumerate(fields)}
        groups = [_Together(group, severities) for group in vocabularies(kind, fields)]
        self._groups = [(number, group) for number, group in enumerate(groups) if group.fields]
        grouped = {field.name for group in groups for field in group.fields}
        self._alone = [field for field in fields if field.name not in grouped]

    def of(self, item: dict[str, Any], accepted: Mapping[str, Any] = _NOTHING, keys: Keys = UNKNOWN) -> Scope:
        """The values of ``item``, and all that is wrong with each of them.

        ``accepted``: those of single attributes that the quick way has found in order, or absent.
        """
        scope = Scope(self._severities)
        for number, group in self._groups:
            if not group.convert(item, scope, keys[number]):
                return scope
        for field in self._alone:
            value = accepted.get(field.name, UNREAD)
            if value is UNREAD:
                convert_field(field, item, scope)
            elif value:
                scope.values[field.name] = value
        if len(scope.problems) > 1:
            scope.problems.sort(key=lambda problem: self._order[problem.field])
        return scope


class _Converted(NamedTuple):
    values: dict[str, Any]
    failed: set[str]
    problems: list[Problem]
    item: Item | None
    handle_item: str | None
    goes_on: bool = True


class _Together:
    """Attributes that follow from each other at most."""

    def __init__(self, group: Sequence[Field], severities: Mapping[str, str]) -> None:
        self.fields = _self_contained(group)
        self._severities = severities
        parts = key_parts(self.fields)  # all of the group's, wherever there is a quick way to read its keys
        self._read = reader_of_all(parts.paths, parts.lists, [*parts.conditional.values()])
        self._kept = Kept(REMEMBERED)

    def convert(self, item: dict[str, Any], scope: Scope, key: tuple[Any, ...] | None) -> bool:
        """Convert them into ``scope``; ``key`` holds their raw values, if these are known. False: there is no
        evaluation.
        """
        raw = self._read(item) if key is None else key
        try:
            found: _Converted | None = self._kept.known.get(raw)
        except TypeError:  # a list or an object where a single value belongs
            found = self._each(item)
        else:
            if found is None or (found.problems and looks_otherwise(raw)):
                found = self._each(item)
                if not (found.problems and looks_otherwise(raw)):
                    self._kept.keep(raw, found)
        scope.values.update(found.values)
        if found.problems or found.failed:
            scope.failed.update(found.failed)
            scope.problems.extend(found.problems)
        if found.item is not None:
            scope.item, scope.handle_item = found.item, found.handle_item
        return found.goes_on

    def _each(self, item: dict[str, Any]) -> _Converted:
        """One after the other."""
        scope = Scope(self._severities)
        for field in self.fields:
            convert_field(field, item, scope)
            if field.name == DECISIVE and DECISIVE not in scope.values and DECISIVE not in scope.failed:
                return _Converted(scope.values, scope.failed, scope.problems, None, None, goes_on=False)
        return _Converted(scope.values, scope.failed, scope.problems, scope.item, scope.handle_item)


def _self_contained(group: Sequence[Field]) -> list[Field]:
    """Those that rest on nothing outside, and on no free text, which nothing may remember."""
    chosen: list[Field] = []
    for field in group:
        alone = field.leader is None or any(field.leader == other.name for other in chosen)
        if alone and field.spec.by != "pair":
            chosen.append(field)
    return chosen
