"""The versioned data files of the canonical records, as shipped in ``schemas/data`` or superseded by a newer one."""

from __future__ import annotations

import csv
import hashlib
from functools import cache
from importlib import resources
from typing import Any

import orjson

_superseded: dict[str, bytes] = {}


def supersede(name: str, content: bytes | None) -> None:
    """Let ``content`` take the place of a shipped file in this process; none: the shipped one counts again."""
    if content is None:
        _superseded.pop(name, None)
    else:
        _superseded[name] = content
    data_version.cache_clear()


def read_bytes(name: str) -> bytes:
    return _superseded[name] if name in _superseded else _shipped(name)


def read_json(name: str) -> Any:
    return orjson.loads(read_bytes(name))


def read_shipped_json(name: str) -> Any:
    """The file of this release, whatever has taken its place."""
    return orjson.loads(_shipped(name))


def read_csv(name: str) -> list[dict[str, str]]:
    """Rows of a CSV; lines beginning with ``#`` (licence, provenance) are skipped."""
    lines = [line for line in read_bytes(name).decode("utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


@cache
def data_version() -> str:
    """Changes whenever a code list, indicator, length or region does: part of every mapping's version."""
    digest = hashlib.sha256()
    for name in ("attributes.csv", "code_lists.json", "indicators.json", "region.csv"):
        digest.update(read_bytes(name))
    return digest.hexdigest()[:16]


def _shipped(name: str) -> bytes:
    return (resources.files(__package__) / "data" / name).read_bytes()
