"""A report's words and figures in one language; a figure that isn't known is a dash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.moments import shanghai
from gateway.messages import Lang, text
from gateway.reports.conformance.document import (
    Cause,
    Change,
    ChannelLevels,
    Check,
    CodeCount,
    Document,
    FieldCoverage,
    Finding,
    RuleResult,
    Sample,
)
from gateway.reports.conformance.lateness import DAY, HOUR, MINUTE
from schemas import code_lists

DASH = "–"
Figure = float | int | None


@dataclass(frozen=True)
class Words:
    """``t('key')`` is the catalogue's sentence under ``conformance.key``."""

    lang: Lang

    def t(self, key: str, **params: Any) -> str:
        return text(f"conformance.{key}", self.lang, **params)

    def figure(self, value: Figure, unit: str = "count") -> str:
        """A count with thousands separated, a share in percent, seconds as a duration."""
        if value is None:
            return DASH
        if unit == "share":
            return percent(value)
        return self.duration(int(value)) if unit == "seconds" else f"{value:,}"

    def duration(self, seconds: int | None) -> str:
        """Two digits or so: ``42 s``, ``12 min``, ``5.3 h``, ``2.1 d``."""
        if seconds is None:
            return DASH
        if seconds < 2 * MINUTE:
            return self.t("seconds", n=seconds)
        if seconds < 2 * HOUR:
            return self.t("minutes", n=seconds // MINUTE)
        if seconds < 2 * DAY:
            return self.t("hours", n=f"{seconds / HOUR:.1f}")
        return self.t("days_long", n=f"{seconds / DAY:.1f}")

    def change(self, line: Change) -> str:
        """``▲ 3.20``, ``▼ 1.5 h``, ``＝``; percentage points for shares."""
        if line.too_few:
            return self.t("too_few")
        if line.delta is None:
            return DASH
        if not line.delta:
            return "＝"
        size = abs(line.delta)
        written = f"{size * 100:.2f} pp" if line.unit == "share" else self.figure(size, line.unit)
        return f"{'▲' if line.delta > 0 else '▼'} {written}"

    def title(self, cause: Cause) -> str:
        return cause.title if self.lang == "zh" else cause.title_en

    def remedy(self, cause: Cause) -> str:
        return cause.remedy if self.lang == "zh" else cause.remedy_en

    def finding(self, found: Finding) -> str:
        return found.title if self.lang == "zh" else found.title_en

    def summary(self, found: Finding) -> str:
        return found.summary if self.lang == "zh" else found.summary_en

    def group(self, found: Finding) -> str:
        """Whose records were judged: a department in its region, or the source."""
        if found.dept_code is None:
            return self.t("whole_source")
        return " ".join(part for part in (found.area_name, found.dept_name or found.dept_code) if part)

    def window(self, found: Finding | Check) -> str:
        """Local days, both included."""
        first, last = shanghai(found.since).date(), (shanghai(found.until) - timedelta(seconds=1)).date()
        return f"{first}" if first == last else f"{first} – {last}"

    def rates(self, found: Finding) -> str:
        """The group's positive rate, and without the affected records."""
        return self.t("both_rates", rate=percent(found.rate.share), without=percent(found.rate_without.share))

    def by_detector(self, findings: Sequence[Finding]) -> dict[str, list[Finding]]:
        """Findings under their detectors, in the order of the report."""
        groups: dict[str, list[Finding]] = {}
        for found in findings:
            groups.setdefault(found.detector, []).append(found)
        return groups

    def named(self, coded: CodeCount | ChannelLevels) -> str:
        return coded.name if self.lang == "zh" else coded.name_en

    def level(self, level: str) -> str:
        return code_lists.items("satisfaction")[level][0 if self.lang == "zh" else 1]

    def attribute(self, line: FieldCoverage) -> str:
        return line.title if self.lang == "zh" else line.name

    def rule(self, rule: RuleResult, report: Document) -> str:
        return self.t(f"rule.{rule.rule}", hours=f"{report.limits.timely_seconds / HOUR:g}")

    def required(self, rule: RuleResult) -> str:
        """The limit with its direction: ``≤ 5 %``, ``≥ 95 %``; ``0`` and ``100 %`` leave no other."""
        if rule.unit == "count" or rule.limit == 1:
            return self.figure(rule.limit, rule.unit)
        return f"{'≤' if rule.rule == 'errors' else '≥'} {percent(rule.limit)}"

    def detail(self, rule: RuleResult, report: Document) -> list[str]:
        if rule.rule == "read":
            intake = report.facts.intake
            facts = {"pending": intake.pending_pages, "undecodable": intake.undecodable_pages}
            return [self.t("page_detail", **facts)] if rule.outcome == "fail" else []
        if rule.rule == "required":
            titles = {line.name: self.attribute(line) for line in reversed(report.facts.coverage)}
            return [titles.get(name, name) for name in rule.detail]
        if rule.rule == "integrity":
            titles = {found.detector: self.finding(found) for found in report.findings or ()}
            return [titles[name] for name in rule.detail]
        causes = {cause.code: self.title(cause) for cause in (*report.facts.warnings, *report.facts.problems)}
        return [causes.get(code, code) for code in rule.detail]

    def place(self, sample: Sample) -> str:
        """Where the source finds the record."""
        number = self.t("nth", number=sample.number) if sample.number else self.t("whole_page")
        return f"{sample.origin} {number}"

    def value(self, sample: Sample) -> str:
        return DASH if sample.value is None else sample.value or self.t("empty")

    def moment(self, moment: datetime) -> str:
        return shanghai(moment).strftime("%Y-%m-%d %H:%M:%S")

    def verdict(self, report: Document) -> str:
        failed = [rule.level for rule in report.rules if rule.outcome == "fail"]
        counts = {
            "must": failed.count("must"),
            "should": failed.count("should"),
            "passed": sum(rule.outcome == "pass" for rule in report.rules),
        }
        return self.t(f"verdict_text.{report.verdict}", **counts)


def percent(share: float | None) -> str:
    """Two decimals, fewer where they say nothing; never rounded up to 100 %, nor down to 0."""
    if share is None:
        return DASH
    shown = f"{share * 100:.2f}".rstrip("0").rstrip(".")
    if shown == "100" and share < 1:
        return ">99.99 %"
    return "<0.01 %" if shown == "0" and share > 0 else f"{shown} %"
