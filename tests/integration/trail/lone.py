"""A source of evaluations that come without their cases, and pages of it."""

from __future__ import annotations

from typing import Any

from gateway.connector import Page
from gateway.mapping import compile_mapping
from gateway.stages.context import Context
from gateway.stages.pull import pull
from schemas.source import SourceFile
from tests.integration.store.portal_data import SOURCE, Served, page, serve

LONE = "lone_guangan"
MAPPING: dict[str, Any] = {
    "read": {"list": "data.list"},
    "correction": {"path": "fix", "in": ["1"]},
    "evaluation": {
        "project_no": {"path": "no"},
        "service_number": {"path": "n"},
        "assess_number": {"value": "1"},
        "satisfaction": {"path": "level", "scale": "national", "unrated": ["0"]},
        "channel": {"value": "4"},
        "writing_evaluation": {"path": "text"},
        "assess_time": {"path": "at"},
        "is_default": {"value": "0"},
        "origin": {"value": "active"},
        "operation": {"value": "I"},
    },
}


def lone_source(**mapping: Any) -> SourceFile:
    return SourceFile(
        source=LONE,
        name="只有评价的来源",
        connector="rest",
        connection="portal",
        owner="测试单位",
        region="511602000000",
        mapping=MAPPING | mapping,
    )


def lone(number: int, level: str = "5", at: str = "2026-11-19 10:00:00", **more: Any) -> dict[str, Any]:
    """An evaluation of the portal's case ``number``."""
    text = "等候时间太长" if level in ("1", "2") else ""
    return {"no": f"GA20261119{number:06d}", "n": "1", "level": level, "text": text, "at": at, "fix": "0"} | more


def with_source(context: Context, source: SourceFile) -> Context:
    """``context`` knows ``source`` as well, in place of one of the same id."""
    object.__setattr__(context, "sources", {**context.sources, source.source: source})
    context._mappings[source.source] = compile_mapping(source, context.masters)
    return context


def land(context: Context, *pages: Page, source: str = SOURCE) -> None:
    serve(context, Served(pages))
    pull(context, source)


__all__ = ["LONE", "land", "lone", "lone_source", "page", "with_source"]
