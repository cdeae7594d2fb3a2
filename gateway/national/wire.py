"""The wire form of one record (platform interface, section 3): canonical JSON of data, key, kind and version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from gateway.errors import Rejected
from schemas.attributes import Kind
from schemas.wire import to_wire

KIND_ORDER: Final[dict[str, int]] = {"service": 0, "evaluation": 1, "rectification": 2}
PARENT_KIND: Final[dict[str, str]] = {"evaluation": "service", "rectification": "evaluation"}


def wire_record(
    kind: Kind, key: str, version: int, content: Mapping[str, Any], personal: Mapping[str, str] | None
) -> bytes:
    """The record's bytes. ``Rejected('record.unwritable')`` when a value has no canonical form (a lone surrogate).

    All values are strings and ``version`` is small, so that orjson with sorted keys writes the canonical form; a test
    holds it to :func:`gateway.crypto.canonical.canonical_json`.
    """
    record = {"data": to_wire(kind, content, personal), "key": key, "kind": kind, "version": version}
    try:
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        pass  # its words may quote the value
    raise Rejected("record.unwritable", kind=kind)
