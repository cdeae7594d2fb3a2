"""The enabled indicators (评价指标) by level, from the published list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).resolve().parents[2] / "schemas" / "data" / "indicators.json"


def _enabled() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return [entry for entry in found if entry["enabled"]]


BY_LEVEL: dict[int, tuple[str, ...]] = {
    level: tuple(entry["code"] for entry in _enabled() if entry["level"] == level) for level in range(1, 6)
}
NAMES: dict[str, str] = {entry["code"]: entry["name"] for entry in _enabled()}
