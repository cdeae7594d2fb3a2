"""From our wire names to a receiver's: the field map (字段对应) of one call, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import Rejected


class Derived(BaseModel):
    """A value that is not simply one of ours: the first of ``from`` that is there, shortened, counted or prefixed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: list[str] = Field(default_factory=list, alias="from", description="our wire names; the first with a value")
    first: int | None = Field(None, ge=1, description="that many leading characters only")
    count: bool = Field(False, description="how many values the comma-separated list has")
    province: bool = Field(False, description="prefixed with the two digits of the sender's province")
    current: bool = Field(False, description="a region: the code that has taken its place, where it was replaced")
    value: str | None = Field(None, description="always this")


class Sender(NamedTuple):
    """What a field map takes from the sender, beside the record: its province's two digits, and replaced regions."""

    province: str
    successors: Mapping[str, str] = {}

    def in_force(self, region: str) -> str:
        """The code that is in force now: successors have successors."""
        seen = {region}
        while (later := self.successors.get(region)) and later not in seen:
            seen.add(region := later)
        return region


class When(BaseModel):
    """Further required fields where ``field`` (theirs) has one of ``values``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str
    values: list[str]
    required: list[str]


class FieldMap(BaseModel):
    """One object of theirs. ``fields``: their name → our wire name, of the record itself or of its parents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: dict[str, str | Derived] = Field(min_length=1)
    required: list[list[str] | str] = Field(default_factory=list, description="their names; a list: one of them")
    when: list[When] = Field(default_factory=list)

    def render(self, data: Mapping[str, str], sender: Sender) -> dict[str, str]:
        """Their object from our wire ``data``; fields without a value are left out.

        Raises ``Rejected('profile.field_missing', field=…)`` with their name.
        """
        found = {theirs: _value(ours, data, sender) for theirs, ours in self.fields.items()}
        rendered = {theirs: value for theirs, value in found.items() if value}
        wanted: list[list[str] | str] = list(self.required)
        for case in self.when:
            if rendered.get(case.field) in case.values:
                wanted += case.required
        for name in wanted:
            choices = [name] if isinstance(name, str) else name
            if not any(choice in rendered for choice in choices):
                raise Rejected("profile.field_missing", field="/".join(choices))
        return rendered


def _value(ours: str | Derived, data: Mapping[str, str], sender: Sender) -> str:
    if isinstance(ours, str):
        return data.get(ours, "")
    if ours.value is not None:
        return ours.value
    value: str = next((data[name] for name in ours.source if data.get(name)), "")
    if ours.count:
        return str(len(value.split(","))) if value else ""
    if ours.current:
        value = sender.in_force(value)
    if ours.first is not None:
        value = value[: ours.first]
    return sender.province + value if ours.province and value else value


def merged(*generations: Mapping[str, Any]) -> dict[str, str]:
    """One record's data over its parent's, over that one's parent's: what the record says itself counts."""
    data: dict[str, str] = {}
    for one in generations:
        data |= {name: str(value) for name, value in one.items()}
    return data
