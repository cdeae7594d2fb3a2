"""Guessing (猜测): which field of a source is which attribute, by name, label and values; how sure that is, is said.

A guess is a proposal for a person. What decides over good and bad is never guessed from numbers: some scales count 1 as
the best, others 5.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from gateway.onboarding.seen import SeenField
from gateway.onboarding.synonyms import SYNONYMS
from schemas import code_lists
from schemas.attributes import ATTRIBUTES, Attribute, Kind

Surety = Literal["sure", "likely"]
SURE, LIKELY = 0.9, 0.6
TIMES = {
    "yyyy-MM-dd HH:mm:ss": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
    "yyyyMMddHHmmss": re.compile(r"(19|20)\d{12}"),
    "rfc3339": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    "epoch_ms": re.compile(r"1\d{12}"),
    "excel_serial": re.compile(r"[345]\d{4}(\.\d+)?"),
}
LOOKS: dict[str, re.Pattern[str]] = {  # what a value of an attribute must look like, where that is plain
    "area_code": re.compile(r"\d{6}(\d{3}|\d{6})?"),
    "dept_code": re.compile(r"[0-9A-Z]{18}"),
    "mobile": re.compile(r"[+\d][\d -]{6,17}"),
    "service_number": re.compile(r"\d{1,3}(\.0)?"),
    "assess_number": re.compile(r"\d{1,2}(\.0)?"),
}
OF_THE_RATING = re.compile(r"^(eval|assess|rating|appraise|pj)|评价", re.IGNORECASE)  # an object inside the record
FIVE_LEVELS = ("非常满意", "基本满意")  # words that stand together on no scale of three
FITTING = 0.8  # share of values that must look right


class Guess(NamedTuple):
    """A field for an attribute."""

    kind: Kind
    attribute: Attribute
    field: SeenField
    surety: Surety


def guesses(fields: Sequence[SeenField]) -> dict[tuple[Kind, str], Guess]:
    """The best field of each attribute; a field serves one attribute of each kind of record at most."""
    kinds: tuple[Kind, ...] = ("service", "evaluation")
    rated = [
        (_score(kind, attribute, field), kind, attribute, field)
        for kind in kinds
        for attribute in ATTRIBUTES[kind].values()
        for field in fields
    ]
    found: dict[tuple[Kind, str], Guess] = {}
    taken: set[tuple[str, str]] = set()
    for score, kind, attribute, field in sorted(rated, key=lambda one: -one[0]):
        key = (kind, attribute.name)
        if score < LIKELY or key in found or (kind, field.path) in taken:
            continue
        found[key] = Guess(kind, attribute, field, "sure" if score >= SURE else "likely")
        taken.add((kind, field.path))
    return found


def time_form(values: Sequence[str]) -> str | None:
    """The form that all values are written in; none where there is no value or no such form."""
    for form, pattern in TIMES.items():
        if values and all(pattern.fullmatch(value) for value in values):
            return form
    return None


def code_map(attribute: Attribute, values: Sequence[str]) -> dict[str, str | None] | None:
    """What each value means in the national list, by its label; none: the values are its codes already.

    A value that no label fits leads to None, for a person to decide.
    """
    name = attribute.code_list or ""
    if attribute.name != "satisfaction" and all(code_lists.allows(name, value) for value in values):
        return None
    if attribute.name == "satisfaction":
        five = {label: code for code, (label, _) in code_lists.items(name).items()}
        if set(FIVE_LEVELS) <= set(values) <= five.keys():
            return dict(five)  # the seldom ones too, which a sample may lack
        return dict.fromkeys(values)  # three levels, or words of its own: the whole scale is for a person
    labels = {label: code for code, (label, _) in reversed(code_lists.items(name).items())}
    aliases = SYNONYMS.get(f"{name}:values", {})
    return {value: labels.get(value) or aliases.get(value) for value in values}


def _score(kind: Kind, attribute: Attribute, field: SeenField) -> float:
    named = max(_named(kind, attribute, text) for text in (field.path, _last(field.path), field.label))
    if named < LIKELY:
        return 0.0
    inside = field.path.partition(".")[0] if "." in field.path else ""
    if inside and (OF_THE_RATING.search(inside) is not None) != (kind == "evaluation"):
        named -= 0.15  # a part of the record that is about something else
    pattern = LOOKS.get(attribute.name)
    if pattern is not None and field.values:
        fitting = sum(pattern.fullmatch(value) is not None for value in field.values) / len(field.values)
        named -= 0.0 if fitting >= FITTING else 0.3
    if attribute.form == "dt" and field.values and time_form(field.values) is None:
        named -= 0.2
    return named


def _named(kind: Kind, attribute: Attribute, text: str) -> float:
    """How well a name fits: the attribute's own names, then what others call it."""
    plain = _plain(text)
    own = {_plain(name) for name in (attribute.name, attribute.wire, attribute.title) if name}
    if not plain:
        return 0.0
    if plain in own:
        return 1.0
    others = SYNONYMS.get(f"{kind}.{attribute.name}", {})
    return 0.95 if plain in {_plain(name) for name in others} else _contained(plain, own)


def _contained(plain: str, own: set[str]) -> float:
    """A Chinese title inside of a longer label, or the other way round."""
    for name in own:
        if len(name) >= 3 and len(plain) >= 3 and not name.isascii() and (name in plain or plain in name):
            return 0.7 * min(len(name), len(plain)) / max(len(name), len(plain)) + 0.25
    return 0.0


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _plain(text: str) -> str:
    return re.sub(r"[\s_\-.（）()：:]", "", text).lower()
