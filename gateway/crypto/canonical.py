"""Canonical JSON (platform interface, preface): one value, one sequence of bytes.

Keys sorted by their UTF-8 bytes, no white space, the fewest escapes, integers within ±(2^53 - 1), no floats. orjson
writes exactly this form once floats and foreign types are kept out; ``tests/unit/crypto`` holds it to a slow reference.
"""

from __future__ import annotations

from typing import Any

import orjson

from gateway.errors import Rejected

OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)
_ATOMS = frozenset({str, int, bool, type(None)})
_CONTAINERS = frozenset({dict, list})
_ALLOWED = _ATOMS | _CONTAINERS
DEEPEST = 100


def canonical_json(value: Any) -> bytes:
    """The canonical bytes of ``value``: dict with str keys, list, str, int, bool, None, of these very types.

    Raises ``Rejected('canonical.unrepresentable')`` for floats, other types, integers beyond 53 bits, lone surrogates
    and nesting over 100 levels.
    """
    _refuse_foreign_types([value], 0)
    try:
        return orjson.dumps(value, option=OPTIONS)
    except orjson.JSONEncodeError:
        pass  # the cause's text may hold personal data, so it is not chained
    raise Rejected("canonical.unrepresentable")


def parse_canonical(data: bytes) -> Any:
    """The value of ``data``, or ``Rejected('canonical.refused')`` unless these are its canonical bytes.

    Writing the value again and comparing refuses in one stroke white space, other escapes, unsorted and duplicate keys,
    ``-0``, exponents, byte order marks and trailing text.
    """
    try:
        value = orjson.loads(data)
        same = canonical_json(value) == data
    except (orjson.JSONDecodeError, Rejected):
        same = False
    if not same:
        raise Rejected("canonical.refused")
    return value


def _refuse_foreign_types(values: Any, depth: int) -> None:
    kinds = set(map(type, values))
    if kinds <= _ATOMS:
        return
    if not kinds <= _ALLOWED or depth > DEEPEST:
        raise Rejected("canonical.unrepresentable")
    for value in values:
        if type(value) is dict:
            _refuse_foreign_types(value.values(), depth + 1)
        elif type(value) is list:
            _refuse_foreign_types(value, depth + 1)
