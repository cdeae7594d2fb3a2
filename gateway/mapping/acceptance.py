"""How the quick way accepts an attribute that is different in every record: the lines that look at it.

They leave the canonical value under the attribute's name, or fail, which leaves the attribute to the general way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from gateway.domain import mask
from gateway.domain.check_digit import credit_code_valid, identity_number_valid
from gateway.mapping.plan import Field
from gateway.mapping.text import tidy
from gateway.mapping.times import SEPARATORS, SHANGHAI, TAKES_24, USUAL_FORMS, reader

NAMES: Final[dict[str, Any]] = {
    "SEPARATORS": SEPARATORS,
    "SHANGHAI": SHANGHAI,
    "instant": datetime.fromisoformat,
    "MAYBE_PERSONAL": mask.MAYBE_PERSONAL.search,
    "PROJECT_NO": re.compile(r"[A-Za-z0-9_-]{1,50}").fullmatch,
    "credit_code_valid": credit_code_valid,
    "identity_number_valid": identity_number_valid,
    "normal": unicodedata.is_normalized,
    "tidy": tidy,
}
"""What the lines refer to."""
LEAVE: Final = "raise ValueError"
"""What a line does with a value that it doesn't accept; those of other kinds fail by themselves."""
_MOMENTS = {"service_time": "service_at", "assess_time": "assess_at"}  # whose moment in UTC is wanted, too
_WIRE_FORM = USUAL_FORMS[0]


def acceptance(field: Field, depth: int, certificate: str) -> Iterator[str]:
    """The lines for ``field``; ``certificate`` is the name of what holds the record's certificate type."""
    for line in _lines(field, certificate):
        yield "    " * depth + line


def time_readers(fields: Iterable[Field]) -> dict[str, Any]:
    """What the lines refer to for times that don't usually come in wire form."""
    forms = {field.attribute.name: _forms(field) for field in fields if field.attribute.form == "dt"}
    return {f"read_{name}": reader(of_one) for name, of_one in forms.items() if of_one[0] != _WIRE_FORM}


def _forms(field: Field) -> tuple[str, ...]:
    return tuple(field.spec.times or USUAL_FORMS)


def _lines(field: Field, certificate: str) -> list[str]:
    attribute, name = field.attribute, field.attribute.name
    if field.spec.transform or field.spec.default or field.spec.map or field.spec.table:
        return [LEAVE]
    if attribute.form == "dt":
        return _time(field)
    if name == "project_no":
        simple = f"len({name}) <= 50 and {name}.encode().isalnum()"  # ASCII in bytes; a third of the expression's time
        return [f"if not ({simple} or PROJECT_NO({name})): {LEAVE}"]
    if name == "mobile":
        return [f"if not ('13' < {name} < '2' and len({name}) == 11 and {name}.encode().isdigit()): {LEAVE}"]
    if name == "cert_key":
        return [
            f"if not ({name}.isascii() and {name}.isprintable() and {name}.strip() == {name}): {LEAVE}",
            f"if len({name}) > {attribute.longest} or len({name}) in (15, 18): {LEAVE}",
        ]
    if name == "cert_key_gov":
        return [
            f"{name} = {name}.upper()",
            f"if {certificate} == '111':",
            f"    if not identity_number_valid({name}): {LEAVE}",
            f"elif {certificate} == '001':",
            f"    if not credit_code_valid({name}): {LEAVE}",
            f"else: {LEAVE}",
        ]
    if attribute.form == "ul":
        return [
            f"{name} = {name}.strip()",
            f"if not {name} or len({name}) > {attribute.longest} or MAYBE_PERSONAL({name}): {LEAVE}",
        ]
    if attribute.form in {"an", "a"} and attribute.code_list is None:
        bare = f"(' ' not in {name} or {name}.strip() == {name})"
        return [
            f"if not ({name}.isprintable() and normal('NFKC', {name}) and {bare}):",
            f"    {name} = tidy({name})",
            f"if not 0 < len({name}) <= {attribute.longest}: {LEAVE}",
        ]
    return [LEAVE]


def _time(field: Field) -> list[str]:
    name, usual = field.attribute.name, _forms(field)[0] == _WIRE_FORM
    hour = f" or {name}[11:13] > '23'" if TAKES_24 else ""
    lines = [f"if {name}[SEPARATORS] != '-- ::'{hour}: {LEAVE}" if usual else f"{name} = read_{name}({name})"]
    if name in _MOMENTS:
        lines.append(f"{_MOMENTS[name]} = instant({name}) - SHANGHAI")
    elif usual:
        lines.append(f"instant({name})")
    return lines
