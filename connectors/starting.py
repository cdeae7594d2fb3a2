"""Having a source begin at a moment, where its kind can be asked so: for a look at one day of it."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import Any

from connectors.moments import earlier, seconds, written
from schemas.source import SourceFile

PLAIN = "yyyy-MM-dd HH:mm:ss"
SOAP_START = "2000-01-01T00:00:00+08:00"  # as its options begin by default: it shows the form


def starting(source: SourceFile, moment: datetime) -> SourceFile | None:
    """``source`` with options that begin at ``moment`` (aware); none where its kind knows no such thing."""
    options = deepcopy(source.options)
    place = _place(source.connector, options)
    if place is None:
        return None
    block, form = place
    block["start"] = _like(str(block.get("start") or form), moment)
    return source.model_copy(update={"options": options})


def _place(kind: str, options: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
    """The block that holds ``start``, and the form of a start that is not written there."""
    paging = options.get("paging")
    if kind in ("soap", "hotline"):
        return options, SOAP_START
    if not isinstance(paging, dict):
        return None
    if isinstance(paging.get("window"), dict):
        return paging["window"], PLAIN
    by_time = (kind, paging.get("by")) in {("rest", "since"), ("database", "time")}
    return (paging, PLAIN) if by_time and paging.get("unit", "seconds") == "seconds" else None


def _like(form: str, moment: datetime) -> str:
    """``moment`` as ``form`` is written: a moment of the source's own, or a pattern."""
    if form == PLAIN:
        return written(moment, PLAIN)
    return earlier(form, seconds(form) - moment.timestamp())
