"""The ``mapping:`` section of a source file, as data. Unknown keys are refused; nothing is guessed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway.mapping.text import NotAScalarError, tidy


def _code(value: Any) -> str | None:
    """YAML reads ``1`` as a number and ``true`` as a boolean; both mean the text that a record would hold."""
    try:
        return tidy(value)
    except NotAScalarError as other:
        raise ValueError("a text, a whole number or true/false; dates and long numbers in quotes") from other


def _path(value: str) -> str:
    if "" in value.split("."):
        raise ValueError("a name, or names with a dot between each two")
    return value


def _codes(value: Any) -> Any:
    return [_code(entry) or "" for entry in value] if isinstance(value, list) else value


def _table(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {_code(key) or "": _code(entry) for key, entry in value.items()}


Path = Annotated[str, Field(min_length=1), AfterValidator(_path)]
Code = Annotated[str, BeforeValidator(_code)]
Codes = Annotated[list[str], BeforeValidator(_codes)]
CodeTable = Annotated[dict[str, str | None], BeforeValidator(_table)]
ItemAttribute = Literal[
    "task_code", "handle_item", "task_name", "task_type", "level", "dept_code", "dept_name", "area_code"
]
TimeForm = Literal[
    "yyyy-MM-dd HH:mm:ss", "yyyyMMddHHmmss", "rfc3339", "epoch_s", "epoch_ms", "excel_serial", "excel_serial_1904"
]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(Strict):
    """Holds when the value at ``path`` is one of ``in``; ``present: true`` when there is any value."""

    path: Path
    among: Codes | None = Field(None, alias="in")
    present: bool | None = None

    @model_validator(mode="after")
    def _one(self) -> Condition:
        if (self.among is None) == (self.present is None):
            raise ValueError("either 'in' or 'present'")
        return self


class FieldSpec(Strict):
    """Where one canonical attribute comes from, one of path, value, item, same, order; and how it is converted."""

    path: Path | None = Field(None, description="dotted path in the source record, or a column's name")
    value: Code | None = Field(None, description="constant")
    item: ItemAttribute | None = Field(None, description="attribute of the item found by task_code (事项主数据)")
    same: str | None = Field(None, description="an attribute of this record mapped before")
    order: Literal["assess_time"] | None = Field(
        None, description="assess_number: the place among the evaluations of its service, by this time"
    )
    as_: Literal["region", "item", "organisation"] | None = Field(None, alias="as")
    transform: list[Literal["upper", "lower"]] = Field(default_factory=list)
    map: CodeTable | None = Field(None, description="source value: national code; null: no value; '*': any other")
    table: str | None = Field(None, description="shared code table, mappings/tables/<name>.yaml; map adds to it")
    scale: Literal["national"] | None = Field(None, description="satisfaction sent in national codes, 5 best")
    unrated: Codes = Field(default_factory=list, description="satisfaction: values that are no rating")
    coarse: bool = Field(False, description="the source's list is coarser than the national one")
    times: list[TimeForm] | None = None
    separator: str | None = Field(None, min_length=1, description="indicators joined in one text")
    by: Literal["code", "name", "pair"] = Field("code", description="pair: text,code segments, the last one free text")
    default: Code | None = Field(None, description="when the source has no value")
    when: Condition | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> FieldSpec:
        if sum(origin is not None for origin in (self.path, self.value, self.item, self.same, self.order)) != 1:
            raise ValueError("exactly one of path, value, item, same, order")
        if self.scale and (self.map or self.table):
            raise ValueError("scale, or map and table")
        return self


class Reading(Strict):
    """How records are found in a page."""

    list_: Path | None = Field(None, alias="list", description="JSON: dotted path of the list; none: the page is it")
    element: str | None = Field(None, description="XML: name of a record's element")
    encoding: Literal["utf-8", "gb18030"] | None = Field(None, description="CSV: declared; none: utf-8, then gb18030")


class Revision(Strict):
    """The source's own word for which of two versions of a record is newer: a count from 1, or a time."""

    path: Path
    form: Literal["number", "time"]
    times: list[TimeForm] | None = None


class Profile(Strict):
    """What this source's owner and operator have agreed on, within the bounds of the problem catalogue."""

    raise_: list[str] = Field(default_factory=list, alias="raise", description="warnings taken as errors")
    lower: list[str] = Field(default_factory=list, description="E* codes taken as warnings")
    optional: list[str] = Field(default_factory=list, description="service attributes this source doesn't have")
    item_pattern: str = r"[0-9A-HJ-NP-RTUW-Y]{18}[1-7]\d{12}"


class MappingSpec(Strict):
    read: Reading = Field(default_factory=Reading)
    correction: Condition | None = Field(None, description="marks a record as a correction of an earlier version")
    revision: Revision | None = Field(None, description="tells newer from older; a higher one is a correction")
    service: dict[str, FieldSpec] | None = Field(None, description="none: evaluations alone, joined to cases")
    evaluation: dict[str, FieldSpec] | None = None
    profile: Profile = Field(default_factory=Profile)

    @model_validator(mode="after")
    def _some_record(self) -> MappingSpec:
        if not self.service and not self.evaluation:
            raise ValueError("service, evaluation, or both")
        return self
