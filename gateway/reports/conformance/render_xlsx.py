"""The report as a workbook: one sheet a subject, figures as numbers, and the definitions (口径说明) last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import xlsxwriter

from gateway.messages import Lang
from gateway.reports.conformance.document import Document
from gateway.reports.conformance.render_html import DEFINITIONS
from gateway.reports.conformance.words import Words
from gateway.reports.conformance.workbook import Share, Text, width_of, write_cell

LEVELS = ("5", "4", "3", "2", "1")
Cells = Sequence[Any]


class _Sheet(NamedTuple):
    name: str
    head: Cells
    rows: Iterable[Cells]


def xlsx(report: Document, lang: Lang = "zh") -> bytes:
    """``report`` as an Excel workbook. Text is never taken for a formula."""
    words = Words(lang)
    file = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    workbook = xlsxwriter.Workbook(file, options)
    workbook.set_properties({"title": words.t("title"), "subject": report.source.name, "comments": report.report_id})
    formats = {
        "head": workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom"}),
        "text": workbook.add_format({"text_wrap": True, "valign": "top"}),
        "count": workbook.add_format({"num_format": "#,##0", "valign": "top"}),
        "share": workbook.add_format({"num_format": "0.00%", "valign": "top"}),
    }
    for sheet in _sheets(report, words):
        page = workbook.add_worksheet(words.t(f"sheet.{sheet.name}"))
        page.set_paper(9)
        page.set_landscape()
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        page.freeze_panes(1, 0)
        page.set_footer(f"&L{report.report_id}&R&P / &N")
        rows = [tuple(row) for row in sheet.rows]
        for column, title in enumerate(sheet.head):
            page.set_column(column, column, width_of([title, *(row[column] for row in rows if column < len(row))]))
            page.write_string(0, column, title, formats["head"])
        for number, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                write_cell(page, number, column, cell, formats)
    workbook.close()
    return file.getvalue()


def _sheets(report: Document, words: Words) -> Iterator[_Sheet]:
    def sheet(name: str, heads: Sequence[str], rows: Iterable[Cells]) -> _Sheet:
        return _Sheet(name, [words.t(head) if head else "" for head in heads], rows)

    yield sheet("summary", ("figure", "now", "before"), _summary(report, words))
    yield sheet("rules", ("outcome", "rule", "need", "measured", "limit", "detail"), _rules(report, words))
    yield sheet("comparison", ("figure", "now", "before", "delta"), _comparison(report, words))
    yield sheet("problems", ("cause", "code", "records", "share", "fields", "remedy"), _causes(report, words))
    yield sheet("samples", ("code", "place", "path", "attribute", "value", "record_id"), _samples(report, words))
    if report.findings is not None:
        heads = ("detector", "code", "group", "window", "seen", "records", "group_size", "share", "positive_rate")
        yield sheet("integrity", (*heads, "rate_without", "record_keys"), _findings(report, words))
    heads = ("kind", "attribute", "name", "need", "path", "filled", "records", "missing", "share")
    yield sheet("coverage", heads, _coverage(report, words))
    yield sheet("codes", ("attribute", "code_list", "use", "code", "name", "records"), _codes(report, words))
    totals = [words.t(head) for head in ("active", "default", "unknown_origin", "total")]
    yield _Sheet("channels", [words.t("channel"), *map(words.level, LEVELS), *totals], _channels(report, words))
    counts = ("active", "positive", "negative", "positive_rate", "default", "unknown_origin")
    yield sheet("regions", ("region", "area_code", *counts), _regions(report))
    yield sheet("timeliness", ("figure", "kind.evaluation", "kind.service"), _timeliness(report, words))
    yield sheet("definitions", ("definitions", ""), _definitions(report, words))


def _figure(value: float | int | None, unit: str) -> Any:
    return Share(value) if unit == "share" else value


def _summary(report: Document, words: Words) -> Iterator[Cells]:
    t, now, before = words.t, report.facts, report.before
    source = report.source
    yield t("title"), source.name
    yield t("owner"), source.owner
    yield t("source"), source.source
    yield t("region"), f"{source.region_name} {source.region}"
    yield t("period"), *(f"{it.period.first} – {it.period.last}" for it in (now, before))
    yield t("as_of"), words.moment(report.as_of)
    yield t("report_id"), report.report_id
    for use in now.mapping:
        yield t("mapping"), t("pages_by_version", version=use.version or t("pending"), pages=use.pages)
    yield t("outcome"), t(f"verdict.{report.verdict}")
    for name in ("landed", "stored", "quarantined", "duplicate", "unrated", "pages"):
        yield t(name), getattr(now.intake, name), getattr(before.intake, name)
    for name in ("services", "evaluations", "superseded", "released", "refused_by_platform"):
        yield t(name), getattr(now.intake, name), getattr(before.intake, name)
    yield t("positive_rate"), Share(now.ratings.positive_rate), Share(before.ratings.positive_rate)
    yield t("not_effective"), now.ratings.not_effective, before.ratings.not_effective
    rates = now.ratings.effective_rate, before.ratings.effective_rate
    yield t("effective_rate", marked=now.ratings.not_effective), *map(Share, rates)


def _rules(report: Document, words: Words) -> Iterator[Cells]:
    for rule in report.rules:
        yield (
            words.t(f"outcome.{rule.outcome}"),
            words.rule(rule, report),
            words.t(f"level.{rule.level}"),
            _figure(rule.measured, rule.unit),
            words.required(rule),
            "; ".join(words.detail(rule, report)),
        )


def _comparison(report: Document, words: Words) -> Iterator[Cells]:
    for line in report.comparison:
        now, before = _figure(line.now, line.unit), _figure(line.before, line.unit)
        yield words.t(f"figure.{line.figure}"), now, before, Text(words.change(line))


def _coverage(report: Document, words: Words) -> Iterator[Cells]:
    for it in report.facts.coverage:
        named = words.t(f"kind.{it.kind}"), it.title, it.name, it.need, it.path or words.t("not_supplied")
        yield *named, it.filled, it.records, it.missing, Share(it.share)


def _channels(report: Document, words: Words) -> Iterator[Cells]:
    for line in report.facts.channels:
        levels = [line.rated[level] for level in LEVELS]
        yield words.named(line), *levels, sum(levels), line.default, line.unknown_origin, line.total


def _regions(report: Document) -> Iterator[Cells]:
    for it in report.facts.regions:
        rate = Share(it.positive_rate)
        yield it.name, it.area_code, it.active, it.positive, it.negative, rate, it.default, it.unknown_origin


def _causes(report: Document, words: Words) -> Iterator[Cells]:
    for cause in (*report.facts.problems, *report.facts.warnings):
        fields = "; ".join(f"{field.path or field.field} {field.records}" for field in cause.fields)
        yield words.title(cause), cause.code, cause.records, Share(cause.share), fields, words.remedy(cause)


def _samples(report: Document, words: Words) -> Iterator[Cells]:
    for cause in (*report.facts.problems, *report.facts.warnings):
        for it in cause.samples:
            yield cause.code, words.place(it), it.path, it.field, words.value(it), it.record


def _findings(report: Document, words: Words) -> Iterator[Cells]:
    for it in report.findings or ():
        seen = words.finding(it), it.detector, words.group(it), words.window(it), words.summary(it)
        counts = it.records, it.group_size, Share(it.share), Share(it.rate.share), Share(it.rate_without.share)
        yield *seen, *counts, ", ".join(it.record_keys)
    for check in report.checks:
        told = words.moment(check.checked_at), check.run_id, "", words.window(check)
        yield *told, words.t("checked", evaluations=check.evaluations, thresholds=check.thresholds)
    yield Text(words.t("findings_note")), ""


def _codes(report: Document, words: Words) -> Iterator[Cells]:
    for use in report.facts.codes:
        field = use.title if words.lang == "zh" else use.field
        for value in use.unmapped:
            yield field, use.code_list, words.t("unmapped"), value.value, "", value.records
        for state, codes in (("used", use.used), ("unused", use.unused)):
            for code in codes:
                yield field, use.code_list, words.t(state), code.code, words.named(code), code.records


def _timeliness(report: Document, words: Words) -> Iterator[Cells]:
    service, evaluation = report.facts.timeliness
    lines = (evaluation, service)
    yield words.t("records"), *(line.records for line in lines)
    for name in ("median", "p90", "p99"):
        yield words.t(name), *(Text(words.duration(getattr(line, name))) for line in lines)
    for name in ("within_hour", "within_day"):
        yield words.t(name), *(Share(getattr(line, name)) for line in lines)
    for name in ("late", "earlier_period", "ahead"):
        yield words.t(name), *(getattr(line, name) for line in lines)
    for bars in zip(evaluation.bars, service.bars, strict=True):
        name = words.t(f"bar.{bars[0].upto or 'beyond'}")
        yield f"≤ {name}" if bars[0].upto else name, *(bar.records for bar in bars)


def _definitions(report: Document, words: Words) -> Iterator[Cells]:
    for name in DEFINITIONS:
        yield words.t(f"definition.{name}"), ""
    limits = report.limits
    yield words.t("rule.errors"), Share(limits.error_share)
    yield words.t("rule.timely", hours=f"{limits.timely_seconds / 3600:g}"), Share(limits.timely_share)
    yield words.t("report_id_note"), report.report_id
