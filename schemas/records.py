"""Canonical records checked as a whole by pydantic-core: one compiled schema a kind, built from the data files.

The mapping checks each value while it converts it and knows more (problem codes, suggestions); this is the plain
statement of what a record may look like, for records that the gateway writes itself and for tests.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from pydantic_core import SchemaValidator, ValidationError, core_schema

from schemas import code_lists
from schemas.attributes import ATTRIBUTES, Attribute, Kind

DATE_TIME = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]) ([01]\d|2[0-3]):[0-5]\d:[0-5]\d$"


class Fault(NamedTuple):
    """One attribute that does not fit, without its value."""

    field: str
    reason: str  # pydantic's error type: missing, string_too_long, string_pattern_mismatch, literal_error, …


def faults(kind: Kind, record: dict[str, Any]) -> list[Fault]:
    """Every way in which ``record`` (content and personal attributes together) breaks its schema; none: it fits."""
    try:
        _validator(kind).validate_python(record)
    except ValidationError as invalid:
        return [Fault(str(error["loc"][0]), error["type"]) for error in invalid.errors(include_input=False)]
    return []


@cache
def _validator(kind: Kind) -> SchemaValidator:
    fields = {
        name: core_schema.typed_dict_field(_schema(attribute), required=attribute.need == "R")
        for name, attribute in ATTRIBUTES[kind].items()
    }
    return SchemaValidator(core_schema.typed_dict_schema(fields, extra_behavior="forbid"))


def _schema(attribute: Attribute) -> core_schema.CoreSchema:
    value = _value_schema(attribute)
    return core_schema.list_schema(value, min_length=1) if attribute.repeated else value


def _value_schema(attribute: Attribute) -> core_schema.CoreSchema:
    if attribute.form == "dt":
        return core_schema.str_schema(strict=True, pattern=DATE_TIME)
    if attribute.code_list is not None:
        ruled = code_lists.pattern(attribute.code_list)
        if ruled is not None:
            return core_schema.str_schema(strict=True, pattern=ruled.pattern)
        return core_schema.literal_schema(sorted(code_lists.codes(attribute.code_list)))
    return core_schema.str_schema(
        strict=True,
        min_length=attribute.shortest,
        max_length=attribute.longest,
        pattern="^[0-9]+$" if attribute.form == "n" else None,
    )
