"""What was seen of a source before it joins: its fields, and what a description tells of how it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field

Told = str | list[str] | dict[str, str]


@dataclass(frozen=True, slots=True)
class SeenField:
    """A field of the source's records: where it stands, what it is called, some different values of it."""

    path: str
    label: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """``reading``: the mapping's ``read`` block. ``known``: parts of the options that the description tells."""

    fields: list[SeenField]
    reading: dict[str, str] = field(default_factory=dict)
    known: dict[str, Told] = field(default_factory=dict)
