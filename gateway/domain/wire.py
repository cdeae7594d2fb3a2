"""The wire form of one record (platform interface, section 3): canonical JSON of data, key, kind and version.

The ledger keeps a record in this form from the beginning, in two cells: ``content``, the data without what is personal,
and ``personal``, the rest, which rests sealed. Both are canonical JSON objects of strings under wire names, so that
putting them together again is a matter of places in a text and not of reading and writing JSON anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from json.encoder import encode_basestring as quoted
from typing import Any, Final, NamedTuple, cast

import orjson

from gateway.errors import Rejected
from schemas.attributes import ATTRIBUTES, PERSONAL, Kind
from schemas.wire import from_wire, in_wire_order, to_wire

KIND_ORDER: Final[dict[str, int]] = {"service": 0, "evaluation": 1, "rectification": 2}
PARENT_KIND: Final[dict[str, str]] = {"evaluation": "service", "rectification": "evaluation"}
FIRST_VERSION: Final = 1


class Cells(NamedTuple):
    """A record's data as the ledger keeps it."""

    content: str
    personal: bytes | None  # none when there is nothing personal


def cells(kind: Kind, content: Mapping[str, Any], personal: Mapping[str, str]) -> Cells:
    """The cells of canonical attributes. ``Rejected('record.unwritable')``: a value has no canonical form."""
    hidden = to_wire(kind, personal)
    return Cells(_json(kind, to_wire(kind, content)).decode(), _json(kind, hidden) if hidden else None)


def _json(kind: str, data: dict[str, str]) -> bytes:
    """Canonical JSON of text by text; a test holds it to :func:`gateway.crypto.canonical.canonical_json`."""
    try:
        return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        pass  # its words may quote the value
    raise Rejected("record.unwritable", kind=kind)


def attributes(kind: str, content: str, personal: bytes | None = None, **internal: str | None) -> dict[str, Any]:
    """The canonical attributes that cells hold; ``internal`` are those that the ledger has only in columns."""
    known = cast("Kind", kind)
    held = from_wire(known, orjson.loads(content))
    if personal is not None:
        held |= from_wire(known, orjson.loads(personal))
    return held | {name: value for name, value in internal.items() if value is not None}


def wire_record(kind: str, key: str, version: int, content: bytes, personal: bytes | None) -> bytes:
    """The record's bytes, out of its cells (``content`` in UTF-8, ``personal`` opened)."""
    tail = f',"key":{quoted(key)},"kind":"{kind}","version":{version}}}'.encode()
    if personal is None:
        return b'{"data":%b%b' % (content, tail)
    return b"".join([b'{"data":', *_spliced(kind, content, orjson.loads(personal)), tail])


def _spliced(kind: str, content: bytes, personal: dict[str, str]) -> list[bytes]:
    """``content`` in pieces, with the members of ``personal`` between them, in the order of names."""
    pieces: list[bytes] = []
    start, end = 0, len(content) - 1
    for names, followers in _gaps(cast("Kind", kind), tuple(personal)):
        members = ",".join([f'"{name}":{quoted(personal[name])}' for name in names]).encode()
        for follower in followers:
            # A quotation mark within a value is escaped: this sequence can only be the name of a member.
            place = content.find(follower, start)
            if place >= 0:
                pieces += (content[start:place], members, b",")
                start = place
                break
        else:
            comma = b"," if end > 1 or pieces else b""
            pieces += (content[start:end], comma, members)
            start = end
    pieces.append(content[start:])
    return pieces


@cache
def _gaps(kind: Kind, personal: tuple[str, ...]) -> list[tuple[list[str], list[bytes]]]:
    """Runs of personal wire names with the names, as they stand in the text, of what may follow each."""
    open_names = [wire for wire, name in in_wire_order(kind, ATTRIBUTES[kind]) if name not in PERSONAL[kind]]
    runs: dict[tuple[bytes, ...], list[str]] = {}
    for name in sorted(personal):
        runs.setdefault(tuple(f'"{wire}":'.encode() for wire in open_names if wire > name), []).append(name)
    return [(names, list(followers)) for followers, names in runs.items()]
