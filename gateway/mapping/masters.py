"""Master data and shared code tables of a deployment, read once and handed to every mapping."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from gateway.errors import Misconfigured
from gateway.mapping.spec import CodeTable, Strict
from gateway.mapping.written import complaint, invalid, read_yaml
from schemas import code_lists
from schemas.master_records import MasterRecord, OrganisationRecord, RegionRecord
from schemas.masters import Item, Organisation, Region, national_regions, region

ITEM_COLUMNS = tuple(name for name in Item._fields if name != "local_only")


class SharedTable(Strict):
    """``mappings/tables/<table>.yaml``: one known trap of a source system, with its decision."""

    table: str
    list_: str = Field(alias="list")
    note: str = ""
    decided: bool = True
    coarse: bool = False
    map: CodeTable


@dataclass(frozen=True)
class Masters:
    """``items`` by region folder (``511602``) and published code; ``organisations`` by credit code."""

    regions: dict[str, Region] = field(default_factory=national_regions)
    items: dict[str, dict[str, Item]] = field(default_factory=dict)
    organisations: dict[str, Organisation] = field(default_factory=dict)
    tables: dict[str, SharedTable] = field(default_factory=dict)
    version: str = ""  # digest of the files

    @cached_property
    def local_items(self) -> frozenset[str]:
        """Task codes of self-built items (自建事项)."""
        return frozenset(item.task_code for items in self.items.values() for item in items.values() if item.local_only)

    def items_of(self, area_code: str) -> dict[str, Item]:
        """Items of the folder whose name begins ``area_code``; empty when there is none."""
        return next((items for folder, items in self.items.items() if area_code.startswith(folder)), {})


def load_masters(folder: Path) -> Masters:
    """``<region>/items.csv``, ``<region>/organisations.csv``, ``<region>/regions.csv`` and ``tables/*.yaml``."""
    regions, organisations = dict(national_regions()), dict[str, Organisation]()
    items: dict[str, dict[str, Item]] = {}
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*/*.csv"), *folder.glob("tables/*.yaml")]):
        digest.update(path.name.encode() + path.read_bytes())
    for path in sorted(folder.glob("*/regions.csv")):
        regions.update((row["code"], region(row)) for row in _checked(path, Region._fields, RegionRecord))
    for path in sorted(folder.glob("*/items.csv")):
        items[path.parent.name] = _items(path)
        for item in items[path.parent.name].values():
            organisations[item.dept_code] = Organisation(item.dept_code, item.dept_name, item.area_code)
    for path in sorted(folder.glob("*/organisations.csv")):
        for row in _checked(path, Organisation._fields, OrganisationRecord):
            organisations[row["dept_code"]] = Organisation(**{name: row[name] for name in Organisation._fields})
    return Masters(regions, items, organisations, _tables(folder), digest.hexdigest()[:16])


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            raise invalid(f"{path.parent.name}/{path.name}", 1, (), "columns " + ", ".join(missing), "masters.invalid")
        try:
            for row in reader:
                if None in row.values() or None in row:
                    where = f"{path.parent.name}/{path.name}"
                    raise invalid(where, reader.line_num, (), f"{len(columns)} columns", "masters.invalid")
                yield row
        except (UnicodeDecodeError, csv.Error) as broken:
            raise Misconfigured("masters.unreadable", file=f"{path.parent.name}/{path.name}") from broken


def _checked(path: Path, columns: tuple[str, ...], record: type[MasterRecord]) -> Iterator[dict[str, str]]:
    """Rows that are what they claim to be: a date that is none would misjudge records in silence."""
    for number, row in enumerate(_rows(path, columns), start=2):
        try:
            record.model_validate({name: row[name] for name in columns})
        except ValidationError as broken:
            keys, expected = complaint(record, broken)
            raise invalid(f"{path.parent.name}/{path.name}", number, keys, expected, "masters.invalid") from None
        yield row


def _items(path: Path) -> dict[str, Item]:
    """Published code to item; the 31-character task code finds its item too."""
    items: dict[str, Item] = {}
    for number, row in enumerate(_rows(path, ITEM_COLUMNS), start=2):
        item = Item(**{name: row[name].strip() for name in ITEM_COLUMNS}, local_only=row.get("local_only") or "")
        if not item.source_code or not item.task_code or not code_lists.allows("task_type", item.task_type):
            where = f"{path.parent.name}/{path.name}"
            raise invalid(where, number, ("task_code", "task_type"), "codes and a task type", "masters.invalid")
        if item.source_code in items:
            where = f"{path.parent.name}/{path.name}"
            raise invalid(where, number, ("source_code",), "each code once", "masters.invalid")
        items[item.source_code] = item
    for item in list(items.values()):
        items.setdefault(item.task_code, item)
    return items


def _tables(folder: Path) -> dict[str, SharedTable]:
    tables: dict[str, SharedTable] = {}
    for path in sorted(folder.glob("tables/*.yaml")):
        data, lines = read_yaml(path)
        where = f"{path.parent.name}/{path.name}"
        try:
            table = SharedTable.model_validate(data)
        except ValidationError as broken:
            keys, expected = complaint(SharedTable, broken)
            raise invalid(where, lines.get(keys[:1], 1), keys, expected) from broken
        _check_codes(table, where, lines)
        tables[path.stem] = table
    return tables


def _check_codes(table: SharedTable, where: str, lines: dict[tuple[str, ...], Any]) -> None:
    if not code_lists.exists(table.list_):
        raise invalid(where, lines.get(("list",), 1), ("list",), "a code list of schemas/data/code_lists.json")
    for source_value, code in table.map.items():
        if code is not None and not code_lists.allows(table.list_, code):
            keys = ("map", source_value)
            raise invalid(where, lines.get(keys, 1), keys, f"a code of {table.list_}")
