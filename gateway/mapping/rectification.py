"""Rules of a rectification (整改) before it may leave: its schema, and what closing an order needs (records.md 3)."""

from __future__ import annotations

from typing import Any

from gateway.domain.problem import PROBLEMS
from gateway.mapping.outcome import Problem
from schemas.conditions import conflicts
from schemas.records import faults

_CODES = {"missing": "field.required", "string_too_long": "field.length", "string_too_short": "field.length"}


def check_rectification(record: dict[str, Any]) -> list[Problem]:
    """Every problem of a rectification, content and personal attributes together; none: it may be sent."""
    problems = []
    for fault in faults("rectification", record):
        code = "code.unknown" if fault.reason == "literal_error" else _CODES.get(fault.reason, "field.type")
        problems.append(Problem(code, PROBLEMS[code].severity, fault.field, fault.field, None, fault.reason))
    for code, field in conflicts("rectification", record):
        problems.append(Problem(code, PROBLEMS[code].severity, field, field, None, ""))
    return problems
