"""The round (评价次数) of an evaluation whose source has none of its own: its place among those of its service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from gateway.domain.wire import FIRST_VERSION, Cells, wire_record, with_members
from gateway.mapping.entry import Entry
from gateway.mapping.times import to_wire
from schemas.wire import to_wire as on_wire

LAST_ROUND = 99  # n..2


class Seat(NamedTuple):
    """``late``: it was given before one that is held already, so that the number only says in which order they came."""

    number: int
    late: bool


def seat(taken: Mapping[int, datetime], at: datetime) -> Seat:
    """Where an evaluation given at ``at`` stands among the ``taken`` rounds, which keep their numbers."""
    after = max((number for number, moment in taken.items() if moment < at), default=0)
    if after + 1 not in taken and all(moment > at for number, moment in taken.items() if number > after):
        return Seat(after + 1, late=False)
    return Seat(max(taken) + 1, late=True)


def numbered(entry: Entry, number: int) -> Entry:
    """``entry`` as the ``number``-th evaluation of its service."""
    from gateway.crypto.digest import sm3  # late: a parse of the DAG files loads mappings, and no cryptography

    said = on_wire("evaluation", {"assess_number": str(number)})
    content, personal = with_members("evaluation", Cells(entry.content, entry.personal), said)
    key = f"{entry.parent_key}#{number}"
    digest = sm3(wire_record(entry.kind, key, FIRST_VERSION, content, personal))
    return msgspec.structs.replace(entry, key=key, content=content, personal=personal, digest=digest)


def moment_key(service: str, assess_time: str) -> str:
    """What names such an evaluation as long as it has no round: its service and its time, in wire form."""
    return f"{service}#{assess_time}"


def moment_key_of(entry: Entry) -> str:
    """The :func:`moment_key` of an evaluation that was mapped."""
    return moment_key(entry.parent_key or "", to_wire(entry.event_at))
