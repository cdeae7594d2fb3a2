"""Master data (主数据) as records: organisations, items, regions, indicators (records.md section 4), by pydantic.

What a deployment keeps in CSV files is read with them, so that a wrong date or code is found with its line, and not by
the records that it would misjudge. :mod:`schemas.masters` holds the same in the form in which it is looked up.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from schemas import code_lists


def _blank(value: object) -> object:
    """An empty cell of a CSV is no value."""
    return None if value == "" else value


def _listed(name: str) -> object:
    return Literal[tuple(sorted(code_lists.codes(name)))]


AreaCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
DeptCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{18}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
ShortName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Day = Annotated[date | None, BeforeValidator(_blank)]
Optional12 = Annotated[AreaCode | None, BeforeValidator(_blank)]


class MasterRecord(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class OrganisationRecord(MasterRecord):
    """机构. Its credit code may fail the check digit: published ones do, and a profile judges."""

    dept_code: DeptCode = Field(title="统一社会信用代码", description="key")
    name: ShortName = Field(title="名称")
    area_code: AreaCode = Field(title="行政区划")
    parent_code: Annotated[DeptCode | None, BeforeValidator(_blank)] = Field(None, title="上级机构")
    valid_from: Day = Field(None, title="生效日")
    valid_to: Day = Field(None, title="终止日")

    @model_validator(mode="after")
    def _in_order(self) -> OrganisationRecord:
        _ends_after(self.valid_from, self.valid_to)
        return self


class ServiceItemRecord(MasterRecord):
    """事项. 31 characters by the standard; published codes are dirty, and the profile's ``item_pattern`` judges."""

    task_code: Annotated[str, StringConstraints(min_length=1, max_length=31)] = Field(
        title="实施编码", description="key"
    )
    source_codes: list[Annotated[str, StringConstraints(min_length=1, max_length=64)]] = Field(
        default_factory=list, title="公布的编码"
    )
    task_handle_items: list[Annotated[str, StringConstraints(pattern=r"^.{33}$")]] = Field(
        default_factory=list, title="业务办理项编码"
    )
    task_name: Name = Field(title="事项名称")
    task_type: _listed("task_type") = Field(title="事项类型")  # type: ignore[valid-type]
    level: _listed("exercise_level") = Field(title="行使层级")  # type: ignore[valid-type]
    dept_code: DeptCode = Field(title="实施机构")
    task_version: str | None = Field(None, title="版本")
    promise_day: int | None = Field(None, ge=0, le=999, title="承诺时限")
    promise_type: _listed("time_limit_unit") | None = Field(None, title="承诺时限单位")  # type: ignore[valid-type]
    anticipate_day: int | None = Field(None, ge=0, le=999, title="法定时限")
    anticipate_type: _listed("time_limit_unit") | None = Field(None, title="法定时限单位")  # type: ignore[valid-type]
    status: str | None = Field(None, title="状态")

    @model_validator(mode="after")
    def _together(self) -> ServiceItemRecord:
        for amount, unit in ((self.promise_day, self.promise_type), (self.anticipate_day, self.anticipate_type)):
            if (amount is None) != (unit is None):
                raise ValueError("a limit and its unit come together")
        if any(not item.startswith(self.task_code) for item in self.task_handle_items):
            raise ValueError("handling items begin with the item's code")
        return self


class RegionRecord(MasterRecord):
    """行政区划 in its time; ``valid_to`` is the first day on which the code is no longer in force."""

    code: AreaCode = Field(title="代码", description="key")
    name: Annotated[str, StringConstraints(min_length=1, max_length=50)] = Field(title="名称")
    level: Literal["1", "2", "3", "4", "5"] = Field(title="层级", description="province to village")
    parent: Optional12 = Field(None, title="上级")
    valid_from: Day = Field(None, title="生效日")
    valid_to: Day = Field(None, title="终止日")
    replaced_by: Optional12 = Field(None, title="继任代码")

    @model_validator(mode="after")
    def _in_its_time(self) -> RegionRecord:
        _ends_after(self.valid_from, self.valid_to)
        if self.replaced_by is not None and self.valid_to is None:
            raise ValueError("what is replaced has an end: valid_to")
        if self.replaced_by == self.code:
            raise ValueError("replaced by itself")
        return self


class IndicatorRecord(MasterRecord):
    """评价指标; version 1 is disabled and valid in history."""

    code: Annotated[str, StringConstraints(pattern=r"^[1-5][0-9]{2}$")] = Field(title="代码", description="key")
    name: ShortName = Field(title="名称")
    level: int = Field(ge=1, le=5, title="满意度")
    version: int = Field(ge=1, title="版本")
    enabled: bool = Field(title="启用")
    shown_first: bool = Field(title="首批展示")

    @model_validator(mode="after")
    def _of_its_level(self) -> IndicatorRecord:
        if self.code[0] != str(self.level):
            raise ValueError("the first digit is the level")
        return self


def _ends_after(begins: date | None, ends: date | None) -> None:
    if begins is not None and ends is not None and ends <= begins:
        raise ValueError("valid_to is after valid_from")
