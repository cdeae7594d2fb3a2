"""The platform's indicator dictionary (评价指标, ``GET /api/v1/indicators``) against the one in force here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from gateway.errors import Misconfigured
from gateway.national.client import Indicator, Indicators
from schemas import code_lists

Change = Literal["added", "gone", "enabled", "disabled", "renamed"]
_CODE = re.compile(r"[1-5][0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class IndicatorChange:
    """What applying the dictionary would do to one code. ``gone``: not in it; valid in history, and disabled."""

    change: Change
    code: str
    level: int
    name: str
    former_name: str = ""


def write_dictionary(dictionary: Indicators) -> str:
    """The dictionary in one form, whatever its order was.

    ``Misconfigured('published.indicators_invalid')``: empty, a code twice or not of its level, a name left out.
    """
    codes = [item.code for item in dictionary.items]
    if not codes or len(set(codes)) != len(codes):
        raise Misconfigured("published.indicators_invalid", code="-")
    for item in dictionary.items:
        if not _CODE.fullmatch(item.code) or item.code[0] != str(item.level) or not item.name.strip():
            raise Misconfigured("published.indicators_invalid", code=item.code[:16])
    ordered = Indicators(dictionary.version, sorted(dictionary.items, key=lambda item: item.code))
    return msgspec.json.encode(ordered).decode()


def read_dictionary(body: str) -> Indicators:
    return msgspec.json.decode(body, type=Indicators)


def changes(dictionary: Indicators, held: Mapping[str, code_lists.Indicator]) -> list[IndicatorChange]:
    """The difference, by code; a code that only stays what it is is not told."""
    found = []
    for item in dictionary.items:
        former = held.get(item.code)
        if former is None:
            found.append(IndicatorChange("added", item.code, item.level, item.name))
            continue
        if former.name != item.name:
            found.append(IndicatorChange("renamed", item.code, item.level, item.name, former.name))
        if former.enabled != item.enabled:
            found.append(IndicatorChange(_switched(item), item.code, item.level, item.name))
    here = {item.code for item in dictionary.items}
    found += [
        IndicatorChange("gone", code, former.level, former.name)
        for code, former in held.items()
        if code not in here and former.enabled
    ]
    return sorted(found, key=lambda change: (change.code, change.change))


def _switched(item: Indicator) -> Change:
    return "enabled" if item.enabled else "disabled"
