"""The ``options:`` block of a source of tables. Unknown keys are refused; names are names, never SQL."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[^\W\d][\w$#]{0,127}$", description="a table's or column's name")]
Value = str | int | None


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ByTime(_Block):
    """Rows in the order of (time, key). The time must be set anew with every change of a row."""

    by: Literal["time"]
    column: Name
    start: str | None = Field(None, description="read from this moment on, as the column writes it; null: all")
    lookback_seconds: int = Field(600, ge=0, le=86_400, description="read again: transactions that commit late")


class _ByNoTime(_Block):
    """What names no time of its own."""

    backfill: Name | None = Field(None, description="a column of times, by which a span of the past is read again")


class ById(_ByNoTime):
    """Rows in the order of the key, which only grows. Changes of rows that were read are not seen."""

    by: Literal["id"]
    lookback_ids: int = Field(1000, ge=0, le=100_000, description="read again where the key is a number")


class ByFlag(_ByNoTime):
    """Rows whose flag says that nobody took them (同步标志); it is set once they are landed for good.

    ``version``: columns that must be as they were read when the flag is set; none: all columns that are read.
    """

    by: Literal["flag"]
    column: Name
    unset: list[Value] = Field([None], min_length=1, description="values of a row not taken")
    done: str | int = Field(description="what is written once it is landed")
    version: list[Name] = Field(default_factory=list)

    @model_validator(mode="after")
    def _done_is_not_unset(self) -> ByFlag:
        if self.done in self.unset:
            raise ValueError("done must not be one of unset")
        return self


class Options(_Block):
    table: Name
    schema_: Name | None = Field(None, alias="schema", description="schema (or owner) of the table")
    key: list[Name] = Field(min_length=1, max_length=4, description="columns that name a row, unique together")
    columns: list[Name] = Field(min_length=1, description="what is read; never more than the mapping needs")
    paging: Annotated[ByTime | ById | ByFlag, Field(discriminator="by")]
    only: dict[Name, list[Value]] = Field(default_factory=dict, description="rows whose column has one of these values")
    bytes_are: Literal["utf-8", "gb18030"] | None = Field(None, description="what text in binary columns is; null: hex")
    size: int = Field(500, ge=1, le=10_000, description="rows a page")
    max_page_bytes: int = Field(16 * 1024 * 1024, ge=64 * 1024, le=128 * 1024 * 1024, description="a page ends there")
    seconds: float = Field(60, gt=0, le=600, description="for one statement, where the database can hold to it")
    connect_seconds: int = Field(10, ge=1, le=60)
    ahead: int = Field(4, ge=0, le=8, description="pages fetched before they are asked for; by flag: none")

    def timed(self) -> Options | None:
        """The same table read by time, whatever its flags say; ``None`` where no column of times is named."""
        if isinstance(self.paging, ByTime):
            return self
        if self.paging.backfill is None:
            return None
        return self.model_copy(update={"paging": ByTime(by="time", column=self.paging.backfill)})
