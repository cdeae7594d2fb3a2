"""What mapping makes of one source record: canonical records, or all of its problems."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple


class CanonicalRecord(NamedTuple):
    """One record of ``schemas``: attributes under their canonical names, codes as strings, times in wire form."""

    kind: str  # service | evaluation | rectification
    key: str  # projectNo#serviceNumber[#assessNumber[#cycle]]
    parent_key: str | None
    content: dict[str, Any]  # not personal
    personal: dict[str, str]  # personal data; empty when there is none
    event_at: datetime  # service_time or assess_time, UTC without zone
    area_code: str | None
    dept_code: str | None
    task_code: str | None
    satisfaction: int | None
    channel: str | None
    origin: str | None


class Problem(NamedTuple):
    """One reason (问题). ``code`` is of records.md section 7; ``value`` is raw and may be personal data."""

    code: str
    severity: str  # E quarantine | H held | W kept and reported
    field: str  # canonical attribute
    source_path: str
    value: str | None
    remedy: str  # parameters for the sentence in the catalogue, e.g. the expected form


class Case(NamedTuple):
    """What an evaluation that came alone takes from its service record in the ledger."""

    service_time: str  # wire form
    area_code: str | None
    dept_code: str | None
    task_code: str | None


class Outcome(NamedTuple):
    """Either ``records`` (then ``problems`` are warnings) or no records and at least one problem of severity E."""

    records: list[CanonicalRecord]
    problems: list[Problem]
    corrects: bool = False  # the source marks it as a correction of an earlier version
    unrated: bool = False  # a service without an evaluation: declined, or not asked
