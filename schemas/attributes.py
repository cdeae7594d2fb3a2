"""What the canonical records consist of: names, wire names, lengths, lists, requirement, as data (records.md 1-3).

The forms follow GB/T 39046: ``n12`` twelve digits, ``an..50`` up to fifty characters, ``dt`` a date-time
``yyyy-MM-dd HH:mm:ss`` in Asia/Shanghai, ``ul..500`` free text, ``slug`` a word of a project list, ``list n3``.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, cast

from schemas.resource import read_csv

Kind = Literal["service", "evaluation", "rectification"]
Need = Literal["R", "C", "O"]
KINDS: tuple[Kind, ...] = ("service", "evaluation", "rectification")

PATTERNS = {  # what neither form nor list can say of single attributes
    "project_no": "[A-Za-z0-9_-]+",
    "org_code": "(?:[0-9]{12}_)?[0-9A-Z]{18}",  # credit code, or area code _ credit code
    **dict.fromkeys(("service_number", "assess_number", "cycle"), "[1-9][0-9]?"),
}
_FORM = re.compile(r"(list )?(dt|slug|n|an|a|ul)(\.\.)?(\d+)?")


class Attribute(NamedTuple):
    """One attribute of a canonical record."""

    name: str
    wire: str | None  # None: internal to this project, never sent
    title: str
    form: str  # n | a | an | ul | dt | slug
    shortest: int
    longest: int
    repeated: bool  # a list of values
    need: Need
    code_list: str | None
    personal: bool
    closed: bool  # its values come from a small vocabulary, so that conversions may be remembered


def _attribute(row: dict[str, str]) -> Attribute:
    matched = _FORM.fullmatch(row["form"])
    if matched is None:
        raise ValueError(f"attributes.csv: {row['name']}: form {row['form']}")
    repeated, form, upto, length = matched.groups()
    longest = int(length) if length else 64
    exact = bool(length) and not upto
    return Attribute(
        name=row["name"],
        wire=row["wire"] or None,
        title=row["title"],
        form=form,
        shortest=longest if exact else 1,
        longest=longest,
        repeated=bool(repeated),
        need=cast(Need, row["need"]),
        code_list=row["list"] or None,
        personal=bool(row["personal"]),
        closed=bool(row["closed"]),
    )


def _load() -> dict[Kind, dict[str, Attribute]]:
    loaded: dict[Kind, dict[str, Attribute]] = {kind: {} for kind in KINDS}
    for row in read_csv("attributes.csv"):
        loaded[cast(Kind, row["kind"])][row["name"]] = _attribute(row)
    return loaded


ATTRIBUTES: dict[Kind, dict[str, Attribute]] = _load()

# Personal data (个人信息): protected as one packed blob, masked wherever it is shown. Free text may hold any of it.
PERSONAL: dict[Kind, frozenset[str]] = {
    kind: frozenset(name for name, attribute in attributes.items() if attribute.personal)
    for kind, attributes in ATTRIBUTES.items()
}
