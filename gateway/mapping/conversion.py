"""Converting (转换) all attributes of one kind of record, in the general way.

Of the attributes of a record with a fault most are as good as ever. Those from small vocabularies are converted
together and remembered by their raw values, with what there is to say about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gateway.mapping.groups import Kept, looks_otherwise, vocabularies
from gateway.mapping.outcome import Problem
from gateway.mapping.plan import Field, convert_field, reader_of_all
from gateway.mapping.scope import Scope
from schemas.attributes import Kind
from schemas.masters import Item

DECISIVE = "satisfaction"  # without it there is no evaluation, and nothing else of one is looked at
REMEMBERED = 2_048  # combinations of raw values in records with a fault, of each group
UNREAD: Final = object()
"""In the place of a value that is still to be converted."""
_NOTHING: Final[Mapping[str, Any]] = {}


class Conversion:
    """Of ``fields``, in the order of the plan, which is the order of the problems as well."""

    def __init__(self, kind: Kind, fields: list[Field], severities: Mapping[str, str]) -> None:
        self._severities = severities
        self._order = {field.name: number for number, field in enumerate(fields)}
        self._decisive = next((field for field in fields if field.name == DECISIVE), None)
        self._groups = [
            _Together(group, severities) for group in map(_self_contained, vocabularies(kind, fields)) if group
        ]
        grouped = {field.name for group in self._groups for field in group.fields}
        self._alone = [field for field in fields if field.name not in grouped and field.name != DECISIVE]

    def of(self, item: dict[str, Any], accepted: Mapping[str, Any] = _NOTHING) -> Scope:
        """The values of ``item``, and all that is wrong with each of them.

        ``accepted``: those of single attributes that the quick way has found in order, or absent.
        """
        scope = Scope(self._severities)
        if self._decisive is not None:
            convert_field(self._decisive, item, scope)
            if DECISIVE not in scope.values and DECISIVE not in scope.failed:
                return scope
        for group in self._groups:
            group.convert(item, scope)
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


class _Together:
    """Attributes that follow from each other at most."""

    def __init__(self, fields: list[Field], severities: Mapping[str, str]) -> None:
        self.fields = fields
        self._severities = severities
        self._read = reader_of_all(fields)
        self._kept = Kept(REMEMBERED)

    def convert(self, item: dict[str, Any], scope: Scope) -> None:
        raw = tuple(self._read(item))
        try:
            found: _Converted | None = self._kept.get(raw)
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

    def _each(self, item: dict[str, Any]) -> _Converted:
        """One after the other."""
        scope = Scope(self._severities)
        for field in self.fields:
            convert_field(field, item, scope)
        return _Converted(scope.values, scope.failed, scope.problems, scope.item, scope.handle_item)


def _self_contained(fields: list[Field]) -> list[Field]:
    """Those that rest on nothing outside: an attribute that repeats rests on the rating, others on what they follow."""
    chosen: list[Field] = []
    for field in fields:
        alone = field.leader is None or any(field.leader == other.name for other in chosen)
        if alone and not field.attribute.repeated and field.name != DECISIVE:
            chosen.append(field)
    return chosen
