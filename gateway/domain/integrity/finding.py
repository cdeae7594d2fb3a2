"""A finding (发现): what a detector saw in one group, with the evidence, kept forever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.rate import Rate


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about one group in one window; free of personal data. Moments aware, ``until`` excluded."""

    detector: str
    detector_version: int
    source_id: str
    dept_code: str | None  # none: the source as a whole
    area_code: str | None
    period: str  # day | month (30 days) | period | figure
    since: datetime
    until: datetime
    threshold: dict[str, Any]
    observed: dict[str, Any]
    group_size: int
    affected: int
    record_keys: tuple[str, ...]  # at most 20; of refused records, page:index
    rate: Rate  # of the group, by the published rule
    rate_without: Rate  # the same without the affected records

    @property
    def share(self) -> float:
        return self.affected / self.group_size if self.group_size else 0.0
