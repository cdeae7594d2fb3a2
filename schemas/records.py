"""Canonical records checked as a whole by pydantic: one schema a kind, built from the data files.

The mapping checks each value while it converts it and knows more (problem codes, suggestions); this is the plain
statement of what a record may look like, for records that the gateway writes itself, for tests, and for those who want
it as JSON Schema (:mod:`schemas.json_schema`).
"""

from __future__ import annotations

from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NotRequired,  # pydantic takes typing's only from 3.12 on
    cast,
)

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from schemas import code_lists
from schemas.attributes import ATTRIBUTES, PATTERNS, Attribute, Kind
from schemas.conditions import conflicts

DATE_TIME = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"


class Fault(NamedTuple):
    """One attribute that does not fit, without its value."""

    field: str
    reason: str  # pydantic's error type: missing, string_too_long, string_pattern_mismatch, literal_error, …


def faults(kind: Kind, record: dict[str, Any]) -> list[Fault]:
    """Every way in which an attribute of ``record`` (content and personal ones together) breaks its schema by itself;
    none: each fits. :func:`schemas.conditions.conflicts` asks whether they go together.
    """
    try:
        shape(kind).validate_python(record)
    except ValidationError as invalid:
        return [Fault(str(error["loc"][0]), error["type"]) for error in invalid.errors(include_input=False)]
    return []


@cache
def shape(kind: Kind) -> TypeAdapter[Any]:
    """Names, forms, lengths and lists of one kind."""
    return TypeAdapter(_shape(kind))


@cache
def whole(kind: Kind) -> TypeAdapter[Any]:
    """The same, and that the attributes go together. Its ``ValidationError`` holds names and codes, no values."""

    def agree(record: dict[str, Any]) -> dict[str, Any]:
        found = conflicts(kind, record)
        if found:
            told = ", ".join(f"{one.field}: {one.code}" for one in found)
            raise PydanticCustomError("conflict", "{conflicts}", {"conflicts": told})
        return record

    checked: Any = Annotated[_shape(kind), AfterValidator(agree)]
    return TypeAdapter(checked)


def _shape(kind: Kind) -> Any:
    fields = {
        name: _field(attribute) if attribute.need == "R" else NotRequired[_field(attribute)]
        for name, attribute in ATTRIBUTES[kind].items()
    }
    made = TypedDict(kind, fields)  # type: ignore[misc]
    cast("Any", made).__pydantic_config__ = ConfigDict(extra="forbid", hide_input_in_errors=True)
    return made


def _field(attribute: Attribute) -> Any:
    value = _value(attribute)
    if attribute.repeated:
        value = Annotated[list[value], Field(min_length=1)]  # type: ignore[valid-type]
    about: dict[str, Any] = {"x-form": attribute.form, "x-need": attribute.need, "x-personal": attribute.personal}
    if attribute.code_list is not None:
        about["x-list"] = attribute.code_list
    return Annotated[value, Field(title=attribute.title, json_schema_extra=about)]


def _value(attribute: Attribute) -> Any:
    if attribute.form == "dt":
        return Annotated[str, StringConstraints(strict=True, pattern=DATE_TIME)]
    if attribute.code_list is not None:
        ruled = code_lists.pattern(attribute.code_list)
        if ruled is not None:
            return Annotated[str, StringConstraints(strict=True, pattern=ruled.pattern)]
        return Literal[tuple(sorted(code_lists.codes(attribute.code_list)))]
    return Annotated[
        str,
        StringConstraints(
            strict=True,
            min_length=attribute.shortest,
            max_length=attribute.longest,
            pattern=_pattern(attribute),
        ),
    ]


def _pattern(attribute: Attribute) -> str | None:
    if attribute.name in PATTERNS:
        return f"^{PATTERNS[attribute.name]}$"
    return "^[0-9]+$" if attribute.form == "n" else None
