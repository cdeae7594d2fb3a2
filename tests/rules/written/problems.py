"""Problem codes of records.md section 7: ``E`` quarantine, ``H`` held, ``W`` passes; ``*`` a profile may lower it."""

from __future__ import annotations

PROBLEMS: dict[str, str] = {
    code: severity
    for severity, codes in {
        "E": "field.required field.length field.type code.unknown source.unmapped satisfaction.unknown "
        "satisfaction.scale_undeclared evaluation.default_origin_conflict indicator.level_mismatch "
        "time.unparsable time.date_only time.future status.date_missing record.conflict region.unknown "
        "item.unknown item.handle_prefix agent.incomplete project_no.charset rectification.close_incomplete",
        "E*": "evaluation.negative_without_detail time.order time.before_service org.check_digit org.unknown "
        "item.code_format identity.missing identity.check_digit",
        "H": "text.over_target_limit parent.missing",
        "W": "satisfaction.unrated indicator.unknown indicator.disabled indicator.repeated "
        "time.accept_after_service record.duplicate record.version_gap evaluation.satisfaction_changed "
        "region.retired region.short region.source_mismatch item.type_fallback item.code_split item.local_only "
        "identity.plain_cert_key identity.kind_mismatch mobile.format coarse.applicant_type "
        "text.contains_personal_data",
    }.items()
    for code in codes.split()
}
OWN = {"evaluation.round_late": "W", "evaluation.round_unclear": "E"}  # of this project: rounds by order
