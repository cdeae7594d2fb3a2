"""How a source's records stand on the wire: groups of remembered attributes and single ones, in the order of names.

One piece that is always there is the anchor. What stands before it ends with a comma, what stands behind it begins with
one, wherever there is anything; so pieces make a JSON object just by standing next to each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
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
    before: str = ""  # the commas that it brings along
    behind: str = ""


def layout(kind: Kind, owners: Mapping[str, str], always: frozenset[str]) -> list[Piece] | None:
    """The pieces of a record with the attributes ``owners``, each with the group that fills it, in wire order.

    ``always``: attributes without which there is no record. None when no anchor stands before all that is personal.
    """

    def together(place: tuple[int, tuple[str, str]]) -> tuple[str, int]:
        number, (_, name) = place
        return owners[name], -1 if owners[name] != SINGLE else number

    pieces: list[Piece] = []
    anchored = False
    for (owner, _), run in groupby(enumerate(in_wire_order(kind, owners)), together):
        names = tuple(names for _, names in run)
        personal = owner == SINGLE and names[0][1] in PERSONAL[kind]
        if anchored:
            pieces.append(Piece(owner, names, personal, before=","))
            continue
        if personal:
            return None
        anchored = any(name in always for _, name in names)
        pieces.append(Piece(owner, names, personal, behind="" if anchored else ","))
    return pieces if anchored else None


def fragments(values: Mapping[str, Any], pieces: list[Piece]) -> tuple[str, ...]:
    """The text of a group's pieces; nothing where there is no value."""
    return tuple(map(partial(_fragment, values), pieces))


def _fragment(values: Mapping[str, Any], piece: Piece) -> str:
    members = [f'"{wire}":{quoted(one_text(values[name]))}' for wire, name in piece.names if values.get(name)]
    return f"{piece.before}{','.join(members)}{piece.behind}" if members else ""
