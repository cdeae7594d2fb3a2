"""The platform's own canonical JSON: what it refuses to read and how it writes its answers."""

from __future__ import annotations

from typing import Any

import orjson

LARGEST_INTEGER = 2**53 - 1


class NotCanonicalError(ValueError):
    """Bytes that are not canonical JSON. ``value`` is what a lax reader would have seen, if anything."""

    def __init__(self, value: Any = None) -> None:
        self.value = value
        super().__init__("not canonical JSON")


def write(value: Any) -> bytes:
    """Keys sorted by UTF-8 bytes, no white space, only the needed escapes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def read(data: bytes) -> Any:
    """The value of canonical JSON; NotCanonicalError otherwise.

    Floats and integers beyond 2^53 - 1, which :func:`read_shape` lets pass, are looked for.
    """
    value = read_shape(data)
    if not _only_integers(value):
        raise NotCanonicalError(value)
    return value


def read_shape(data: bytes) -> Any:
    """As :func:`read`, for a caller who checks each value's type itself: numbers may be of any kind.

    orjson refuses bad UTF-8 and lone surrogates. Duplicate keys, other orders, white space and other escapes
    show as a difference when written again.
    """
    try:
        value = orjson.loads(data)
        same = orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == data
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        raise NotCanonicalError from error
    if not same:
        raise NotCanonicalError(value)
    return value


def _only_integers(value: Any) -> bool:
    if isinstance(value, str | bool) or value is None:
        return True
    if isinstance(value, int):
        return -LARGEST_INTEGER <= value <= LARGEST_INTEGER
    if isinstance(value, dict):
        return all(map(_only_integers, value.values()))
    if isinstance(value, list):
        return all(map(_only_integers, value))
    return False
