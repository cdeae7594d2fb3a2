"""National code lists (代码表) and evaluation indicators (评价指标), loaded from versioned data."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple
from unicodedata import normalize

from schemas.resource import read_json


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


@cache
def indicators() -> dict[str, Indicator]:
    return {row["code"]: Indicator(**row) for row in read_json("indicators.json")}


@cache
def indicator_codes_by_name() -> dict[tuple[int, str], str]:
    """(level, name in NFKC) to code; an enabled indicator wins over a disabled one of the same name."""
    ordered = sorted(indicators().values(), key=lambda indicator: indicator.enabled)
    return {(indicator.level, normalize("NFKC", indicator.name)): indicator.code for indicator in ordered}
