"""How a source's records stand on the wire: groups of remembered attributes and single ones, in the order of names."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from json.encoder import encode_basestring as quoted
from typing import Any, NamedTuple

from schemas.attributes import PERSONAL, Kind
from schemas.wire import in_wire_order, one_text

SINGLE = ""


class Piece(NamedTuple):
    """Neighbours on the wire that one group fills, or one attribute alone (``owner`` SINGLE)."""

    owner: str
    names: tuple[tuple[str, str], ...]  # wire and canonical name
    personal: bool


def layout(kind: Kind, owners: Mapping[str, str]) -> list[Piece]:
    """The pieces of a record with the attributes ``owners``, each with the group that fills it, in wire order."""

    def together(place: tuple[int, tuple[str, str]]) -> tuple[str, int]:
        number, (_, name) = place
        return owners[name], -1 if owners[name] != SINGLE else number

    pieces = []
    for (owner, _), run in groupby(enumerate(in_wire_order(kind, owners)), together):
        names = tuple(names for _, names in run)
        pieces.append(Piece(owner, names, owner == SINGLE and names[0][1] in PERSONAL[kind]))
    return pieces


def fragments(values: Mapping[str, Any], pieces: list[Piece]) -> tuple[str, ...]:
    """The text of a group's pieces: each member with the comma before it, nothing where there is no value."""
    return tuple(
        "".join(f',"{wire}":{quoted(one_text(values[name]))}' for wire, name in piece.names if values.get(name))
        for piece in pieces
    )
