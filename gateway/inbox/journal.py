"""The service's log (日志): one JSON line a request on stderr. Counts, codes and receipts; nothing of what was sent."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

from gateway.inbox.doors import SOURCE_ID


def journal(source_id: str, status: int, **said: Any) -> None:
    """Note one request. ``source_id`` comes from its path: only what looks like one is written."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    shown = source_id if SOURCE_ID.fullmatch(source_id) else "?"
    line = {"at": now, "source": shown, "status": status, **said}
    sys.stderr.write(json.dumps({name: value for name, value in line.items() if value is not None}) + "\n")
    sys.stderr.flush()
