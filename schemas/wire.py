"""Canonical names to the national wire names and back: the only place, besides the data files, that knows the latter.

All values are strings; indicators are joined with ``,``; attributes internal to this project are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

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
    values = dict(content)
    if personal:
        values |= personal
    if not all(values.values()):
        values = {name: value for name, value in values.items() if value}
    names, repeated = _order(kind, tuple(values))
    data = {wire: values[name] for wire, name in names}
    for wire in repeated:
        data[wire] = ",".join(data[wire])
    return data


class _Order(NamedTuple):
    """How records that have the same attributes are written: most have, and need no look at each of their names."""

    names: tuple[tuple[str, str], ...]  # wire and canonical name; ascending, so that whoever sorts finds it done
    repeated: tuple[str, ...]  # wire names of the lists among them


@lru_cache(maxsize=4096)
def _order(kind: Kind, present: tuple[str, ...]) -> _Order:
    known = _TO_WIRE[kind]
    names = sorted((known[name], name) for name in present if name in known)
    return _Order(tuple(names), tuple(wire for wire, name in names if name in _REPEATED))


def from_wire(kind: Kind, data: Mapping[str, str]) -> dict[str, Any]:
    """Canonical attributes of wire data; KeyError for a name that the edition does not know."""
    names = _FROM_WIRE[kind]
    record: dict[str, Any] = {names[wire]: value for wire, value in data.items()}
    for name in _REPEATED & record.keys():
        record[name] = record[name].split(",")
    return record
