"""Canonical names to the national wire names and back: the only place, besides the data files, that knows the latter.

All values are strings; indicators are joined with ``,``; attributes internal to this project are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


def to_wire(kind: Kind, content: Mapping[str, Any], personal: Mapping[str, str] | None = None) -> dict[str, str]:
    """The ``data`` of a record towards the national platform; attributes without a value are left out."""
    names = _TO_WIRE[kind]
    data: dict[str, Any] = {names[name]: value for name, value in content.items() if value and name in names}
    for name in _REPEATED & content.keys():
        if content[name] and name in names:
            data[names[name]] = ",".join(content[name])
    for name, value in personal.items() if personal else ():
        if value and name in names:
            data.setdefault(names[name], value)
    return data


def from_wire(kind: Kind, data: Mapping[str, str]) -> dict[str, Any]:
    """Canonical attributes of wire data; KeyError for a name that the edition does not know."""
    names = _FROM_WIRE[kind]
    record: dict[str, Any] = {names[wire]: value for wire, value in data.items()}
    for name in _REPEATED & record.keys():
        record[name] = record[name].split(",")
    return record
