"""The truth: one service event with at most one opinion, in national terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sandbox.items import Item

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
SOURCES = ("portal", "app", "kiosk", "hotline")
SOURCE_IDS = {source: f"{source}_guangan" for source in SOURCES}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who asks (申请人). ``kind``: applicant_type; ``mark``: what the unified identity would issue."""

    kind: str
    name: str
    certificate_type: str
    certificate: str
    mark: str
    mobile: str


@dataclass(frozen=True, slots=True)
class Opinion:
    """One evaluation (评价). Flags are None where the source does not ask."""

    satisfaction: int
    channel: str
    indicators: tuple[str, ...]
    text: str
    at: datetime
    anonymous: bool | None
    public: bool | None
    is_default: bool
    round: int


@dataclass(frozen=True, slots=True)
class Event:
    """One service event (办件服务) of a case, as its source knows it. Times are of Asia/Shanghai, whole seconds."""

    source: str
    upstream_id: str
    sent_at: datetime
    item: Item
    area_code: str
    project_no: str
    project_name: str
    status: str
    case_type: str
    case_channel: str
    promise_day: int | None
    promise_unit: str | None
    applicant: Applicant
    service_name: str
    service_number: int
    service_time: datetime
    apply_time: datetime
    accept_time: datetime | None
    result_time: datetime | None
    opinion: Opinion | None
