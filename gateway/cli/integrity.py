"""``gw integrity``: patterns in the ledger that no crowd of people leaves; facts, no verdicts."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Json, mode, say, show, word
from gateway.cli.tables import table
from gateway.domain.integrity import Finding, SourceFigure, load_thresholds
from gateway.domain.moments import day_bounds, shanghai
from gateway.domain.region import padded
from gateway.errors import Rejected
from gateway.messages import text
from gateway.reports.findings import percent, sentence
from gateway.reports.integrity import SourceReport, document, finding_document, findings_for, integrity_report
from gateway.stages import integrity as stage
from gateway.stages.context import Context
from gateway.store import audit, integrity

app = typer.Typer(no_args_is_help=True, add_completion=False)
figures = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(figures, name="figures", help="来源公布的数字，仅用于比较 · figures that sources publish, to compare")

Source = Annotated[str | None, typer.Option("--source", help="数据源 · source")]
From = Annotated[str | None, typer.Option("--from", help="起始日 yyyy-MM-dd，缺省为 30 天前 · first day")]
To = Annotated[str | None, typer.Option("--to", help="截止日 yyyy-MM-dd（含），缺省为今天 · last day, included")]
Detector = Annotated[str | None, typer.Option("--detector", help="检测项 · detector, e.g. fixed_lag")]
Region = Annotated[str | None, typer.Option("--region", help="行政区划代码 · region, 6, 9 or 12 digits")]
COLUMNS = ("source_id", "dept_code", "from", "to", "positive", "rated", "rate")
SHOWN = 200  # lines of a table; --json gives all


@app.command()
def check(source: Source = None, first: From = None, last: To = None, as_json: Json = False) -> None:
    """检查一段时间的评价；只记录，不改动任何评价 · look for patterns; nothing is blocked or changed."""
    context = gateway()
    report = stage.check(context, *_period(context, first, last), source)
    show(report)
    _say("checked", evaluations=report.evaluations, findings=report.findings, run=report.run_id)
    table(
        _word("coverage"),
        _heads("detector", "found", "assessed", "not_assessed"),
        [(_detector(name), report.by_detector.get(name, 0), *counts) for name, counts in report.coverage.items()],
    )


@app.command("list")
def list_findings(
    source: Source = None, first: From = None, last: To = None, detector: Detector = None, as_json: Json = False
) -> None:
    """最近检查的发现 · what the latest checks found, one line each."""
    context = gateway()
    found = [
        one for one in findings_for(context, source, *_period(context, first, last)) if detector in (None, one.detector)
    ]
    show([finding_document(one) for one in found])
    _table(context, _word("findings", count=len(found)), found)


@app.command()
def report(
    source: Source = None, first: From = None, last: To = None, region: Region = None, as_json: Json = False
) -> None:
    """按数据源和区划报告：发现、证据、剔除前后的好评率 · per source and region, with evidence and both rates."""
    context = gateway()
    if source is not None:
        context.source(source)
    chosen = [source] if source else sorted(context.sources)
    area = None if region is None else padded(region)
    if region is not None and area is None:
        raise Rejected("integrity.region_unreadable")
    made = integrity_report(context, *_period(context, first, last), chosen, area)
    show(document(made))
    if not made.runs:
        _say("never_checked")
    for one in made.sources:
        _tell(context, one)
    _say("no_verdict")


@figures.command("import")
def import_figures(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV: " + ",".join(COLUMNS))],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """导入来源公布的好评数、评价数、好评率 · published positives, totals and rates, from a CSV."""
    why = required(reason)
    context = gateway()
    read = _figures(file, context)
    with context.store.begin() as transaction:
        now = context.clock()
        import_id = integrity.add_figures(transaction, read, now)
        audit.record(transaction, audit.Act(now, actor(), "integrity.figures", import_id, why, str(len(read))))
    show({"import_id": import_id, "figures": len(read)})
    _say("figures_imported", count=len(read))


def _period(context: Context, first: str | None, last: str | None) -> tuple[datetime, datetime]:
    today = shanghai(context.clock()).date()
    end = _day(last) if last else today
    start = _day(first) if first else end - timedelta(days=load_thresholds().window_days - 1)
    if end < start:
        raise Rejected("integrity.period_empty")
    return day_bounds(start)[0], day_bounds(end)[1]


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise Rejected("integrity.day_unreadable") from None


def _figures(file: Path, context: Context) -> list[SourceFigure]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.DictReader(opened)
        if not set(COLUMNS) <= set(rows.fieldnames or ()):
            raise Rejected("integrity.figures_columns", expected=",".join(COLUMNS))
        return [_figure(row, line, context) for line, row in enumerate(rows, start=2)]


def _figure(row: dict[str, Any], line: int, context: Context) -> SourceFigure:
    context.source(row["source_id"])
    try:
        figure = SourceFigure(
            *(row["source_id"], row["dept_code"] or None),
            *(date.fromisoformat(row["from"]), date.fromisoformat(row["to"])),
            *(int(row["positive"]) if row["positive"] else None, int(row["rated"]) if row["rated"] else None),
            Decimal(row["rate"].rstrip("%")) if row["rate"] else None,
        )
    except (ValueError, InvalidOperation, AttributeError):
        raise Rejected("integrity.figures_line", line=line) from None
    if figure.last < figure.first or figure.value is None:
        raise Rejected("integrity.figures_line", line=line)
    return figure


def _tell(context: Context, one: SourceReport) -> None:
    rates = one.rates
    table(
        f"{context.sources[rates.source_id].name} {rates.source_id}",
        _heads("figure", "positive", "rated", "percent"),
        [
            (
                _word(f"rate.{name}", groups=rates.flagged_groups, marked=rates.ineffective.rated),
                *rate,
                percent(rate, mode.lang),
            )
            for name, rate in (
                ("headline", rates.rate),
                ("effective", rates.effective),
                ("without", rates.without_flagged),
                ("default", rates.default),
                ("unknown", rates.unknown),
            )
        ],
    )
    table(
        _word("regions"),
        _heads("region", "positive", "rated", "percent", "default", "unknown"),
        [
            (
                _region(context, place.area_code),
                *(*place.rate, percent(place.rate, mode.lang), place.default.rated, place.unknown.rated),
            )
            for place in one.regions
        ],
    )
    _table(context, _word("findings", count=len(one.findings)), one.findings)


def _region(context: Context, area_code: str | None) -> str:
    if area_code is None:
        return _word("no_region")
    known = context.masters.regions.get(area_code)
    return f"{known.name} {area_code}" if known else area_code


def _table(context: Context, title: str, found: Sequence[Finding]) -> None:
    columns = (
        "detector",
        "source",
        "department",
        "region",
        "window",
        "facts",
        "affected",
        "share",
        "rate",
        "rate_without",
        "keys",
    )
    table(
        title,
        _heads(*columns),
        [
            (
                f"{_detector(one.detector)} v{one.detector_version}",
                one.source_id,
                one.dept_code,
                _region(context, one.area_code),
                _window(one),
                sentence(one, mode.lang),
                f"{one.affected}/{one.group_size}",
                f"{one.share:.1%}",
                percent(one.rate, mode.lang),
                percent(one.rate_without, mode.lang),
                "、".join(one.record_keys[:3]),
            )
            for one in found[:SHOWN]
        ],
    )
    if len(found) > SHOWN:
        _say("more", count=len(found) - SHOWN)


def _window(one: Finding) -> str:
    first, last = shanghai(one.since), shanghai(one.until) - timedelta(seconds=1)
    return f"{first:%m-%d}" if first.date() == last.date() else f"{first:%m-%d}–{last:%m-%d}"


def _detector(name: str) -> str:
    return f"{text(f'integrity.detector.{name}', mode.lang)} {name}"


def _word(key: str, **params: Any) -> str:
    return word(f"integrity.{key}", **params)


def _say(key: str, **params: Any) -> None:
    say(f"integrity.{key}", **params)


def _heads(*keys: str) -> list[str]:
    return [f"integrity.{key}" for key in keys]
