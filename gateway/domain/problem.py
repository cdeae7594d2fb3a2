"""Problem codes (问题) of records.md section 7: why a record stops, waits, or passes with a mark.

A source's profile may raise a warning to an error; it may lower only the codes that are ``lowerable`` (E*).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["E", "H", "W"]


class ProblemKind(NamedTuple):
    severity: Severity
    lowerable: bool = False


_E, _H, _W, _EASED = ProblemKind("E"), ProblemKind("H"), ProblemKind("W"), ProblemKind("E", lowerable=True)

PROBLEMS: dict[str, ProblemKind] = {
    "field.required": _E,
    "field.length": _E,
    "field.type": _E,
    "code.unknown": _E,
    "source.unmapped": _E,
    "satisfaction.unknown": _E,
    "satisfaction.scale_undeclared": _E,
    "satisfaction.unrated": _W,
    "evaluation.negative_without_detail": _EASED,
    "evaluation.default_origin_conflict": _E,
    "evaluation.satisfaction_changed": _W,
    "evaluation.round_late": _W,  # this one and the next: rounds by order, of this project
    "evaluation.round_unclear": _E,
    "indicator.level_mismatch": _E,
    "indicator.unknown": _W,
    "indicator.disabled": _W,
    "indicator.repeated": _W,
    "text.over_target_limit": _H,
    "text.contains_personal_data": _W,
    "time.unparsable": _E,
    "time.date_only": _E,
    "time.future": _E,
    "time.order": _EASED,
    "time.before_service": _EASED,
    "time.accept_after_service": _W,
    "status.date_missing": _E,
    "parent.missing": _H,
    "record.duplicate": _W,
    "record.conflict": _E,
    "record.version_gap": _W,
    "region.unknown": _E,
    "region.retired": _W,
    "region.short": _W,
    "region.source_mismatch": _W,
    "org.check_digit": _EASED,
    "org.unknown": _EASED,
    "item.code_format": _EASED,
    "item.unknown": _E,
    "item.handle_prefix": _E,
    "item.type_fallback": _W,
    "item.code_split": _W,
    "item.local_only": _W,
    "identity.missing": _EASED,
    "identity.check_digit": _EASED,
    "identity.plain_cert_key": _W,
    "identity.kind_mismatch": _W,
    "agent.incomplete": _E,
    "mobile.format": _W,
    "coarse.applicant_type": _W,
    "project_no.charset": _E,
    "rectification.close_incomplete": _E,
}
