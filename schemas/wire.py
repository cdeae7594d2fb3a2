"""Canonical names to the national wire names and back: the only place, besides the data files, that knows the latter.

All values are strings; indicators are joined with ``,``; attributes internal to this project are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from schemas.attributes import ATTRIBUTES, Kind

_TO_WIRE: dict[Kind, dict[str, str]] = {
    kind: {name: attribute.wire for name, attribute in attributes.items() if attribute.wire is not None}
    for kind, attributes in ATTRIBUTES.items()
}
_FROM_WIRE: dict[Kind, dict[str, str]] = {
    kind: {wire: name for name, wire in names.items()} for kind, names in _TO_WIRE.items()
}
_REPEATED: frozenset[str] = frozenset(
    name for attributes in ATTRIBUTES.values() for name, attribute in attributes.items() if attribute.repeated
)
SEPARATOR: Final = ","


def to_wire(kind: Kind, values: Mapping[str, Any]) -> dict[str, str]:
    """``values`` under their wire names, without those that are internal or empty."""
    names = _TO_WIRE[kind]
    return {names[name]: one_text(value) for name, value in values.items() if value and name in names}


def one_text(value: str | list[str]) -> str:
    """The value as it is written: lists as their members with ``,`` between them."""
    return value if isinstance(value, str) else SEPARATOR.join(value)


def from_wire(kind: Kind, data: Mapping[str, str]) -> dict[str, Any]:
    """Canonical attributes of wire data; KeyError for a name that the edition does not know."""
    names = _FROM_WIRE[kind]
    record: dict[str, Any] = {names[wire]: value for wire, value in data.items()}
    for name in _REPEATED & record.keys():
        record[name] = record[name].split(SEPARATOR)
    return record


def in_wire_order(kind: Kind, names: Iterable[str]) -> list[tuple[str, str]]:
    """(wire name, canonical name) of those of ``names`` that are sent, in the order in which they stand on the wire."""
    known = _TO_WIRE[kind]
    return sorted((known[name], name) for name in names if name in known)
