"""Thresholds (阈值): versioned data, so that a finding can say under which values it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from schemas.resource import read_json


@dataclass(frozen=True)
class DetectorRule:
    """One detector's values; ``minimum`` is the group size below which it does not judge."""

    detector: str
    version: int
    windows: tuple[str, ...]  # day | month (30 days) | period | figure
    minimum: int
    values: Mapping[str, Any]
    source_id: str = ""  # whose group is judged; only channel_implausible asks
    connector: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass(frozen=True)
class Thresholds:
    """All rules of one version of ``schemas/data/integrity_thresholds.json``."""

    version: str
    window_days: int
    record_keys: int  # named in a finding, at most
    rules: Mapping[str, DetectorRule]

    def __getitem__(self, detector: str) -> DetectorRule:
        return self.rules[detector]


@cache
def load_thresholds() -> Thresholds:
    """The shipped thresholds."""
    return parse_thresholds(read_json("integrity_thresholds.json"))


def parse_thresholds(document: Mapping[str, Any]) -> Thresholds:
    """Thresholds from the JSON document."""
    rules = {name: _rule(name, dict(entry), document["group_minimum"]) for name, entry in document["detectors"].items()}
    return Thresholds(document["version"], document["window_days"], document["record_keys"], MappingProxyType(rules))


def _rule(name: str, entry: dict[str, Any], group_minimum: int) -> DetectorRule:
    version, windows = entry.pop("version"), tuple(entry.pop("windows"))
    entry.pop("origin")
    minimum = entry.pop("minimum", group_minimum)
    return DetectorRule(name, version, windows, minimum, MappingProxyType(entry))
