"""The rules (合格判定): each passes, fails, or can't be said; together they give the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from gateway.reports.conformance.document import Cause, Facts, Finding, Limits, Outcome, RuleResult, Verdict
from gateway.reports.conformance.lateness import share

UNKNOWN_CODES = frozenset({"source.unmapped", "code.unknown", "satisfaction.unknown", "indicator.unknown"})
INDICATORS = frozenset({"indicator.level_mismatch"})
TIMES = frozenset(
    {"time.unparsable", "time.date_only", "time.future", "time.order", "time.before_service", "status.date_missing"}
)
IDENTITIES = frozenset({"identity.missing", "identity.check_digit", "agent.incomplete"})
MASTERS = frozenset(
    {"org.check_digit", "org.unknown", "item.unknown", "item.code_format", "item.handle_prefix", "region.unknown"}
)
WITHOUT_DETAIL = frozenset({"evaluation.negative_without_detail"})
CONFLICTS = frozenset({"record.conflict", "evaluation.round_unclear"})


class _Measure(NamedTuple):
    outcome: Outcome
    measured: float | int | None
    limit: float | int | None = 0
    unit: Literal["count", "share"] = "count"
    detail: tuple[str, ...] = ()


class _Rule(NamedTuple):
    name: str
    level: Literal["must", "should"]
    measure: Callable[[Facts, Limits], _Measure]


def judge(facts: Facts, limits: Limits, findings: list[Finding] | None) -> list[RuleResult]:
    """Every rule's result, in the order of the report."""
    results = [RuleResult(rule=rule.name, level=rule.level, **_fields(rule.measure(facts, limits))) for rule in _RULES]
    return [*results, RuleResult(rule="integrity", level="should", **_fields(_integrity(findings)))]


def verdict(facts: Facts, results: Iterable[RuleResult]) -> Verdict:
    """A failed ``must`` fails the source; a failed ``should`` leaves it conditional."""
    if not facts.intake.landed and not facts.intake.pages:
        return "no_data"
    failed = {result.level for result in results if result.outcome == "fail"}
    return "fails" if "must" in failed else "conditional" if failed else "conforms"


def _fields(measure: _Measure) -> dict[str, object]:
    return measure._asdict() | {"detail": list(measure.detail)}


def _identity(facts: Facts, _limits: Limits) -> _Measure:
    it = facts.intake
    off = abs(it.landed - it.stored - it.quarantined - it.duplicate)
    off += abs(it.stored - it.stored_rows) + abs(it.quarantined - it.quarantined_rows)
    off += abs(it.duplicate - it.duplicate_rows)
    return _none(off)


def _read(facts: Facts, _limits: Limits) -> _Measure:
    it = facts.intake
    detail = (f"pending={it.pending_pages}", f"undecodable={it.undecodable_pages}")
    return _none(it.pending_pages + it.undecodable_pages, detail)


def _declared(facts: Facts, _limits: Limits) -> _Measure:
    it = facts.intake
    return _none(it.declared_differing) if it.declared_pages else _Measure("unknown", None)


def _required(facts: Facts, _limits: Limits) -> _Measure:
    required = [line for line in facts.coverage if line.need == "R" and (line.records or line.missing)]
    if not required:
        return _Measure("unknown", None, 1.0, "share")
    short = [line for line in required if line.filled < line.records + line.missing]
    least = min(line.share or 0.0 for line in required)
    detail = tuple(dict.fromkeys(line.name for line in short))
    return _Measure("fail" if short else "pass", least, 1.0, "share", detail)


def _errors(facts: Facts, limits: Limits) -> _Measure:
    wrong = share(facts.intake.quarantined, facts.intake.landed)
    return _share(wrong, limits.error_share, wrong is not None and wrong <= limits.error_share)


def _timely(facts: Facts, limits: Limits) -> _Measure:
    timely = next(line.timely for line in facts.timeliness if line.kind == "evaluation")
    return _share(timely, limits.timely_share, timely is not None and timely >= limits.timely_share)


def _share(measured: float | None, limit: float, good: bool) -> _Measure:
    return _Measure("unknown" if measured is None else "pass" if good else "fail", measured, limit, "share")


def _without(codes: frozenset[str]) -> Callable[[Facts, Limits], _Measure]:
    """Nothing of ``codes`` in quarantine, nor let pass as a warning."""

    def measure(facts: Facts, _limits: Limits) -> _Measure:
        if not facts.intake.landed:
            return _Measure("unknown", None)
        found = list(_of(codes, facts.problems)) + list(_of(codes, facts.warnings))
        return _none(sum(cause.records for cause in found), tuple(dict.fromkeys(cause.code for cause in found)))

    return measure


def _of(codes: frozenset[str], causes: Iterable[Cause]) -> Iterator[Cause]:
    return (cause for cause in causes if cause.code in codes)


def _platform(facts: Facts, _limits: Limits) -> _Measure:
    if not facts.delivery.receipted and not facts.delivery.refused:
        return _Measure("unknown", None)
    return _none(facts.delivery.refused)


def _reconciled(facts: Facts, _limits: Limits) -> _Measure:
    return _none(facts.delivery.differing) if facts.delivery.compared_days else _Measure("unknown", None)


def _integrity(findings: list[Finding] | None) -> _Measure:
    if findings is None:
        return _Measure("unknown", None)
    return _none(len(findings), tuple(dict.fromkeys(finding.detector for finding in findings)))


def _none(found: int, detail: tuple[str, ...] = ()) -> _Measure:
    return _Measure("fail" if found else "pass", found, 0, "count", detail if found else ())


_RULES = (
    _Rule("identity", "must", _identity),
    _Rule("read", "must", _read),
    _Rule("declared", "should", _declared),
    _Rule("required", "must", _required),
    _Rule("errors", "must", _errors),
    _Rule("unknown_codes", "must", _without(UNKNOWN_CODES)),
    _Rule("statuses", "must", lambda facts, _limits: _none(facts.copied_statuses)),
    _Rule("indicators", "should", _without(INDICATORS)),
    _Rule("negative_detail", "must", _without(WITHOUT_DETAIL)),
    _Rule("times", "should", _without(TIMES)),
    _Rule("identities", "should", _without(IDENTITIES)),
    _Rule("masters", "should", _without(MASTERS)),
    _Rule("conflicts", "must", _without(CONFLICTS)),
    _Rule("timely", "should", _timely),
    _Rule("platform", "must", _platform),
    _Rule("reconciled", "must", _reconciled),
)
