"""The versioned data files of the canonical records, as shipped in ``schemas/data``."""

from __future__ import annotations

import csv
import hashlib
from functools import cache
from importlib import resources
from typing import Any

import orjson


def read_bytes(name: str) -> bytes:
    return (resources.files(__package__) / "data" / name).read_bytes()


def read_json(name: str) -> Any:
    return orjson.loads(read_bytes(name))


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
