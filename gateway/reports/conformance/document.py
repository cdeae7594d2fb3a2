"""The conformance report (质量报告) as data: what JSON shows, and what HTML and XLSX are drawn from.

Its JSON Schema: ``python -m gateway.reports.conformance.schema > schemas/conformance.schema.json``. Within one
``schema_version`` fields are only added. Shares are between 0 and 1, or null where the denominator is 0; times carry
the offset of Asia/Shanghai. No value in it is personal data.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Outcome = Literal["pass", "fail", "unknown"]
Verdict = Literal["conforms", "conditional", "fails", "no_data"]
Severity = Literal["E", "H", "W"]
Kind = Literal["service", "evaluation"]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(Part):
    """What the rules measure against."""

    error_share: float = Field(0.05, ge=0, le=1, description="most quarantined records per landed record")
    timely_share: float = Field(0.95, ge=0, le=1, description="least evaluations received within timely_seconds")
    timely_seconds: int = Field(86_400, gt=0, description="received later than this after the event: late")


class SourceHeader(Part):
    source: str
    name: str
    owner: str
    region: str
    region_name: str
    connector: str


class Period(Part):
    """Local days of receipt, both included."""

    first: date
    last: date
    days: int


class MappingUse(Part):
    version: str | None = Field(description="null: pages that wait for normalising")
    pages: int
    current: bool


class Intake(Part):
    """Landed = stored + quarantined + duplicate; ``unrated`` of stored. The ``…_rows`` are counted independently."""

    pages: int
    pending_pages: int
    undecodable_pages: int
    declared_pages: int = Field(description="pages whose number of records the source declared")
    declared_differing: int
    landed: int
    stored: int
    quarantined: int
    duplicate: int
    unrated: int
    stored_rows: int = Field(description="source records found in the ledger")
    quarantined_rows: int = Field(description="open quarantine without what a platform gave back")
    duplicate_rows: int
    released: int = Field(description="records that left quarantine after a replay")
    refused_by_platform: int
    services: int = Field(description="service records, latest version each")
    evaluations: int
    superseded: int = Field(description="versions that a marked correction replaced")


class FieldCoverage(Part):
    kind: Kind
    name: str
    wire: str | None
    title: str
    need: Literal["R", "C", "O"]
    path: str | None = Field(description="where the mapping reads it; null: the source doesn't supply it")
    personal: bool
    filled: int
    records: int
    missing: int = Field(description="quarantined records that lack it")
    share: float | None = Field(description="filled / (records + missing)")


class CodeCount(Part):
    code: str
    name: str
    name_en: str
    records: int


class ValueCount(Part):
    value: str = Field(description="masked")
    records: int


class CodeUse(Part):
    kind: Kind
    field: str
    title: str
    code_list: str
    used: list[CodeCount]
    unused: list[CodeCount]
    unmapped: list[ValueCount] = Field(description="values outside the list or the map; their records are quarantined")
    unmapped_records: int


class ChannelLevels(Part):
    channel: str
    name: str
    name_en: str
    rated: dict[str, int] = Field(description="level 1-5: evaluations that count in rates")
    default: int
    unknown_origin: int
    total: int


class RegionRatings(Part):
    """One place's evaluations; towns and villages by their own codes."""

    area_code: str | None = Field(description="12 digits; null: the records name none")
    name: str
    active: int
    positive: int
    negative: int
    positive_rate: float | None
    default: int
    unknown_origin: int


class Ratings(Part):
    """Defaults and evaluations of unknown origin stay out of every rate; what is not effective counts, and is told."""

    active: int = Field(description="given by the person, or typed by an agent at dictation")
    default: int
    unknown_origin: int
    positive: int
    negative: int
    positive_rate: float | None
    not_effective: int = Field(description="of active: marked so, since an appeal was upheld")
    effective_rate: float | None = Field(description="the positive rate without them")


class LagBar(Part):
    upto: int | None = Field(description="seconds, included; null: beyond the last")
    records: int


class Timeliness(Part):
    """Receipt minus event, in seconds: exact to the second below 2 h, to the minute below 7 d, then to the hour."""

    kind: Kind
    records: int
    median: int | None
    p90: int | None
    p99: int | None
    within_hour: float | None
    within_day: float | None
    timely: float | None
    late: int
    earlier_period: int = Field(description="events before the first day of the period")
    ahead: int = Field(description="event after receipt, within the allowed skew")
    bars: list[LagBar]


class Sample(Part):
    record: str = Field(description="page:index, as in gw quarantine show")
    origin: str = Field(description="the page as the source names it: a file, a page's number")
    number: int = Field(description="which record of that page, from 1; 0: the page as a whole")
    field: str
    path: str
    value: str | None = Field(description="masked; null where it must not be shown")


class FieldCount(Part):
    field: str
    path: str
    records: int


class Cause(Part):
    code: str
    severity: Severity
    title: str
    title_en: str
    remedy: str = Field(description="who must do what")
    remedy_en: str
    records: int
    share: float | None = Field(description="of landed")
    fields: list[FieldCount]
    samples: list[Sample]


class Delivery(Part):
    records: int
    receipted: int
    refused: int
    days: int
    compared_days: int
    differing: int


class Facts(Part):
    period: Period
    mapping: list[MappingUse]
    intake: Intake
    ratings: Ratings
    coverage: list[FieldCoverage]
    codes: list[CodeUse]
    channels: list[ChannelLevels]
    regions: list[RegionRatings]
    timeliness: list[Timeliness]
    problems: list[Cause]
    warnings: list[Cause]
    delivery: Delivery


class RuleResult(Part):
    rule: str
    level: Literal["must", "should"]
    outcome: Outcome
    measured: float | int | None
    limit: float | int | None
    unit: Literal["count", "share"]
    detail: list[str] = Field(description="what failed: fields, codes or counts")


class Change(Part):
    figure: str
    unit: Literal["count", "share", "seconds"]
    now: float | int | None
    before: float | int | None
    delta: float | int | None
    better: bool | None = Field(description="null: neither better nor worse, or too few records")
    too_few: bool = Field(description="fewer than 30 records on one side: no comparison")


class Check(Part):
    """One run of the integrity detectors that the findings rest on; its window is by the time of evaluation."""

    run_id: str
    checked_at: datetime
    since: datetime
    until: datetime = Field(description="excluded")
    thresholds: str = Field(description="version of the detectors' values")
    evaluations: int
    assessed: list[str] = Field(description="detectors that could judge at least one group")
    not_assessed: list[str]


class PositiveRate(Part):
    positive: int
    rated: int
    share: float | None


class Finding(Part):
    """One finding of the integrity detectors: a fact about a group, no verdict on a record."""

    detector: str
    detector_version: int
    severity: Severity
    title: str
    title_en: str
    summary: str
    summary_en: str
    dept_code: str | None = Field(description="null: the source as a whole")
    dept_name: str
    area_code: str | None
    area_name: str
    since: datetime
    until: datetime = Field(description="excluded")
    threshold: dict[str, Any]
    records: int
    group_size: int
    share: float | None = Field(description="records / group_size")
    rate: PositiveRate = Field(description="of the group, by the published rule")
    rate_without: PositiveRate = Field(description="the same without these records")
    record_keys: list[str] = Field(description="at most 20, masked; of refused records page:index")


class Document(Part):
    schema_version: Literal["1"] = "1"
    report_id: str = Field(description="SM3 of the facts, so that equal facts have an equal id")
    as_of: datetime
    source: SourceHeader
    limits: Limits
    verdict: Verdict
    rules: list[RuleResult]
    facts: Facts
    before: Facts
    comparison: list[Change]
    checks: list[Check] = Field(description="of the integrity detectors, the latest first")
    findings: list[Finding] | None = Field(description="null: nobody has checked these days")
