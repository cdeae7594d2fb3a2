"""An entry (台账条目): one canonical record as the ledger takes it, serialised and digested before any lock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import cast

import msgspec

from gateway.domain.wire import FIRST_VERSION, cells, wire_record
from gateway.errors import Bug
from gateway.mapping.outcome import CanonicalRecord, Problem
from schemas.attributes import Kind

KEY_WIDTH = 120
WIDTHS = {"area_code": 12, "dept_code": 18, "task_code": 31, "channel": 1, "origin": 16, "service_stage": 16}


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One canonical record in the form in which it rests and is sent.

    ``digest`` is the SM3 of the record's wire form as a first version: together with the two attributes that are not
    sent, ``origin`` and ``service_stage``, it decides "unchanged".
    """

    kind: str  # service | evaluation | rectification
    key: str  # projectNo#serviceNumber[#assessNumber[#cycle]]
    parent_key: str | None
    event_at: datetime  # UTC without zone
    area_code: str | None
    dept_code: str | None
    task_code: str | None
    satisfaction: int | None
    channel: str | None
    origin: str | None
    service_stage: str | None
    content: bytes  # UTF-8
    personal: bytes | None
    digest: bytes


class Entries(msgspec.Struct, frozen=True, gc=False):
    """What one source record becomes: like :class:`gateway.mapping.outcome.Outcome`, ready for the ledger."""

    entries: Sequence[Entry]
    problems: Sequence[Problem]
    corrects: bool
    unrated: bool


def prepare(record: CanonicalRecord) -> Entry:
    """Serialise and digest ``record``.

    Raises ``Rejected('record.unwritable')`` or ``Bug('ledger.unstorable')``: the mapping let something through that
    the ledger can't hold. Better known here, where it costs one record, than in the middle of a chunk.
    """
    from gateway.crypto.digest import sm3  # late: a parse of the DAG files loads mappings, and no cryptography

    kind, key, stage = record.kind, record.key, record.content.get("service_stage")
    check_width("record_key", key, KEY_WIDTH)
    check_columns(record.area_code, record.dept_code, record.task_code, record.channel, record.origin, stage)
    content, personal = cells(cast("Kind", kind), record.content, record.personal)
    return Entry(
        *(kind, key, record.parent_key, record.event_at, record.area_code, record.dept_code, record.task_code),
        *(record.satisfaction, record.channel, record.origin, stage, content, personal),
        sm3(wire_record(kind, key, FIRST_VERSION, content, personal)),
    )


@lru_cache(maxsize=10_000)
def check_columns(*columns: str | None) -> None:
    """``Bug('ledger.unstorable')`` when one of the :data:`WIDTHS` columns, in their order, can't hold its value."""
    for name, width, value in zip(WIDTHS, WIDTHS.values(), columns, strict=True):
        if value is not None:
            check_width(name, value, width)


def check_width(column: str, value: str, width: int) -> None:
    if len(value) > width or "\0" in value:
        raise Bug("ledger.unstorable", column=column, limit=width)
