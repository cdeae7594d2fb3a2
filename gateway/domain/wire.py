"""The wire form of one record (platform interface, section 3): canonical JSON of data, key, kind and version.

The ledger keeps a record in this form from the beginning, in two cells: ``content``, the data without what is personal,
and ``personal``, the rest, which rests sealed. A line feed in the one stands where a line of the other belongs, so that
putting a record together again is a matter of lines, and nobody reads or writes JSON anew. Canonical JSON holds no line
feed of its own; to a reader of JSON one in ``content`` is white space.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from itertools import groupby
from json.encoder import encode_basestring as quoted
from typing import Any, Final, NamedTuple, cast

import orjson

from gateway.errors import Rejected
from schemas.attributes import Kind
from schemas.wire import from_wire, to_wire

KIND_ORDER: Final[dict[str, int]] = {"service": 0, "evaluation": 1, "rectification": 2}
PARENT_KIND: Final[dict[str, str]] = {"evaluation": "service", "rectification": "evaluation"}
FIRST_VERSION: Final = 1
LINE: Final = b"\n"


class Cells(NamedTuple):
    """A record's data as the ledger keeps it. Each has as many line feeds as there are lines of personal members.

    A line is neighbouring members as they stand on the wire, with the comma that parts them from what is before them
    (or behind them, where nothing is before), and a line feed at its end.
    """

    content: bytes  # UTF-8
    personal: bytes | None  # none when there is nothing personal


def cells(kind: Kind, content: Mapping[str, Any], personal: Mapping[str, str]) -> Cells:
    """The cells of canonical attributes. ``Rejected('record.unwritable')``: a value has no canonical form."""
    hidden = to_wire(kind, personal)
    return _parted(kind, to_wire(kind, content) | hidden, hidden.keys())


def with_members(kind: Kind, held: Cells, more: Mapping[str, str]) -> Cells:
    """``held`` with ``more``, by wire names, none of it personal."""
    data = members(*held)
    return _parted(kind, {**data, **more}, data.keys() - members(held.content).keys())


def _parted(kind: Kind, data: Mapping[str, str], hidden: Set[str]) -> Cells:
    runs = [(is_hidden, list(names)) for is_hidden, names in groupby(sorted(data), hidden.__contains__)]
    shown, lines, behind = b"", b"", len(runs) > 1 and runs[0][0]
    for number, (is_hidden, names) in enumerate(runs):
        written = _json(kind, {name: data[name] for name in names})[1:-1]
        if number > behind:
            written = b"," + written
        if is_hidden:
            shown, lines = shown + LINE, lines + written + (b"," if behind and not number else b"") + LINE
        else:
            shown += written
    return Cells(b"{%b}" % shown, lines or None)


def _json(kind: str, data: dict[str, str]) -> bytes:
    """Canonical JSON of text by text; a test holds it to :func:`gateway.crypto.canonical.canonical_json`."""
    try:
        return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        pass  # its words may quote the value
    raise Rejected("record.unwritable", kind=kind)


def members(content: str | bytes, personal: bytes | None = None) -> dict[str, str]:
    """The data that cells hold, by wire names."""
    data: dict[str, str] = orjson.loads(content)
    if personal is not None:
        lines = b",".join(line.strip(b",") for line in personal.splitlines())
        data |= orjson.loads(b"{%b}" % lines)
    return data


def attributes(kind: str, content: str, personal: bytes | None = None, **internal: str | None) -> dict[str, Any]:
    """The canonical attributes that cells hold; ``internal`` are those that the ledger has only in columns."""
    held = from_wire(cast("Kind", kind), members(content, personal))
    return held | {name: value for name, value in internal.items() if value is not None}


def wire_record(kind: str, key: str, version: int, content: bytes, personal: bytes | None) -> bytes:
    """The record's bytes, out of its cells (``content`` in UTF-8, ``personal`` opened).

    ``Rejected('record.unreadable')``: the one does not belong to the other.
    """
    tail = f',"key":{quoted(key)},"kind":"{kind}","version":{version}}}'.encode()
    if personal is None and LINE not in content:
        return b'{"data":%b%b' % (content, tail)
    shown, hidden = content.split(LINE), (personal or b"").split(LINE)
    if len(shown) != len(hidden):
        raise Rejected("record.unreadable", kind=kind, key=key)
    pieces = [b'{"data":'] * (2 * len(shown) + 2)
    pieces[1:-1:2], pieces[2:-1:2], pieces[-1] = shown, hidden, tail
    return b"".join(pieces)
