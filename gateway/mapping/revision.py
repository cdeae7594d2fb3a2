"""The revision (版次) that a source gives its records: a text that sorts as its versions follow each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.mapping.paths import path_reader
from gateway.mapping.spec import Revision
from gateway.mapping.text import NotAScalarError, tidy
from gateway.mapping.times import USUAL_FORMS, UnparsableError, reader

DIGITS = 20
Revise = Callable[[Any], str | None]


def revision_reader(spec: Revision) -> Revise:
    """A function from a source record to its revision; none where it has none that can be read."""
    read, moment = path_reader(spec.path), reader(tuple(spec.times or USUAL_FORMS))

    def revise(item: Any) -> str | None:
        raw = read(item)
        try:
            value = tidy(raw)
            if value is None:
                return None
            if spec.form == "time":
                return moment(raw if isinstance(raw, int) else value)
        except (NotAScalarError, UnparsableError):
            return None
        return value.zfill(DIGITS) if value.isascii() and value.isdigit() and len(value) <= DIGITS else None

    return revise


def skips(held: str, new: str) -> bool:
    """Is a version missing between the two? Only numbers can tell (record.version_gap)."""
    return len(held) == len(new) == DIGITS and int(new) > int(held) + 1 if held.isdigit() and new.isdigit() else False
