"""Master data (主数据): regions, organisations and service items (records.md section 4)."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from schemas.resource import read_csv


class Region(NamedTuple):
    """行政区划; dates ``yyyy-MM-dd`` or empty, so that they compare as text with a time in wire form."""

    code: str  # 12 digits
    name: str
    parent: str
    level: str
    valid_from: str
    valid_to: str
    replaced_by: str

    def valid_on(self, day: str) -> bool:
        """Was the code in force on ``day`` (``yyyy-MM-dd``, or a wire time)?"""
        return self.valid_from <= day[:10] and not (self.valid_to and day[:10] >= self.valid_to)


class Organisation(NamedTuple):
    """机构."""

    dept_code: str
    name: str
    area_code: str


class Item(NamedTuple):
    """事项, with the local code under which a source publishes it."""

    source_code: str
    task_code: str
    task_name: str
    task_type: str
    level: str
    dept_code: str
    dept_name: str
    area_code: str
    local_only: str = ""  # '1': a self-built item (自建事项)


@cache
def national_regions() -> dict[str, Region]:
    """Provinces, prefectures and counties, with the abolished ones that history needs."""
    return {row["code"]: region(row) for row in read_csv("region.csv")}


def region(row: dict[str, str]) -> Region:
    """A row of a region master; KeyError when a column is missing."""
    return Region(**{name: row[name] for name in Region._fields})
