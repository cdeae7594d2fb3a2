"""The service's log (日志): one JSON line a request on stderr. Counts, codes and receipts; nothing of what was sent."""

from __future__ import annotations

import sys
from typing import Any

import structlog

from gateway.inbox.doors import SOURCE_ID

_log: Any = structlog.wrap_logger(
    structlog.PrintLogger(sys.stderr),
    wrapper_class=structlog.BoundLogger,  # says it whatever `gw` filters: a service is read by its log
    processors=[structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.JSONRenderer()],
)


def journal(source_id: str, status: int, **said: Any) -> None:
    """Note one request. ``source_id`` comes from its path: only what looks like one is written."""
    shown = source_id if SOURCE_ID.fullmatch(source_id) else "?"
    _log.info(
        "request", source=shown, status=status, **{name: value for name, value in said.items() if value is not None}
    )
