"""National code lists (代码表) and evaluation indicators (评价指标), loaded from versioned data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple
from unicodedata import normalize

import orjson

from schemas.resource import read_json, read_shipped_json, supersede


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = read_json("code_lists.json")
    return document


@cache
def codes(name: str) -> frozenset[str]:
    """The codes of one list; KeyError when there is no such list."""
    return frozenset(item["code"] for item in _document()["lists"][name]["items"])


@cache
def names(name: str) -> dict[str, str]:
    """Code to Chinese label, for people."""
    return {item["code"]: item["name"] for item in _document()["lists"][name]["items"]}


@cache
def items(name: str) -> dict[str, tuple[str, str]]:
    """Code to its labels in Chinese and English, in the order of the list."""
    rows = _document()["lists"][name]["items"]
    return {item["code"]: (item["name"], item.get("name_en", item["name"])) for item in rows}


@cache
def pattern(name: str) -> re.Pattern[str] | None:
    """Some lists are open and ruled by a pattern (data_source); its items are examples."""
    found = _document()["lists"][name].get("pattern")
    return re.compile(found) if found else None


def allows(name: str, code: str) -> bool:
    """Is ``code`` a value of list ``name``?"""
    ruled = pattern(name)
    return ruled.fullmatch(code) is not None if ruled else code in codes(name)


def exists(name: str) -> bool:
    return name in _document()["lists"]


class Indicator(NamedTuple):
    """One reason that can be ticked; version 1 codes are disabled, but valid in history."""

    code: str
    name: str
    level: int  # the satisfaction that it belongs to, 1-5
    version: int
    enabled: bool
    shown_first: bool


INDICATORS = "indicators.json"


def put_in_force(applied: Sequence[str]) -> None:
    """Indicator dictionaries that the national platform published and a person applied, newest first, as JSON
    ``{"items": [{"code", "name", "level", "enabled"}]}``; none: the shipped indicators count.

    A code that the newest no longer has stays known, disabled: history holds it. It counts for the whole process, and
    for mappings that are compiled from now on.
    """
    supersede(INDICATORS, orjson.dumps(_over_shipped(applied)) if applied else None)
    indicators.cache_clear()
    indicator_codes_by_name.cache_clear()


def _over_shipped(applied: Sequence[str]) -> list[dict[str, Any]]:
    rows = {row["code"]: row for row in read_shipped_json(INDICATORS)}
    later = max(row["version"] for row in rows.values()) + 1
    for body in reversed(applied):
        for row in rows.values():
            row["enabled"] = False
        for item in orjson.loads(body)["items"]:
            known = rows.get(item["code"], {"version": later, "shown_first": False})
            rows[item["code"]] = known | {name: item[name] for name in ("code", "name", "level", "enabled")}
    return list(rows.values())


@cache
def indicators() -> dict[str, Indicator]:
    """Those in force, by code."""
    return {row["code"]: Indicator(**row) for row in read_json(INDICATORS)}


@cache
def indicator_codes_by_name() -> dict[tuple[int, str], str]:
    """(level, name in NFKC) to code; an enabled indicator wins over a disabled one of the same name."""
    ordered = sorted(indicators().values(), key=lambda indicator: indicator.enabled)
    return {(indicator.level, normalize("NFKC", indicator.name)): indicator.code for indicator in ordered}
