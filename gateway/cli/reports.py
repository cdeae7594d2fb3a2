"""``gw source report`` and ``gw items report``: what goes to a county, and what its published codes look like."""

from __future__ import annotations

import os
import sys
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.bootstrap import open_context
from gateway.cli.output import Exit, Json, leave, mode, show, table
from gateway.domain.moments import shanghai
from gateway.errors import Misconfigured
from gateway.mapping import load_masters
from gateway.messages import text
from gateway.reports.conformance import Document, Limits, conformance
from gateway.reports.conformance.render_html import html
from gateway.reports.conformance.render_xlsx import xlsx
from gateway.reports.items import ItemsReport, items_report
from gateway.settings import load

items = typer.Typer(no_args_is_help=True)
DAY = ["%Y-%m-%d"]


class Format(StrEnum):
    """What a conformance report can be."""

    HTML = "html"
    XLSX = "xlsx"
    JSON = "json"


def source_report(
    source: Annotated[str, typer.Argument(help="数据源 · source")],
    first: Annotated[
        datetime | None, typer.Option("--from", formats=DAY, help="首日，缺省本月一日 · first day of receipt")
    ] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=DAY, help="末日，含，缺省今日 · last day")] = None,
    form: Annotated[Format, typer.Option("--format", help="格式 · format")] = Format.HTML,
    file: Annotated[
        Path | None, typer.Option("--out", help="文件，- 为标准输出；缺省在当前目录取名 · file; - is stdout")
    ] = None,
    error_budget: Annotated[float, typer.Option(min=0, max=1, help="隔离率上限 · most quarantined")] = 0.05,
    timely_share: Annotated[float, typer.Option(min=0, max=1, help="及时率下限 · least received in time")] = 0.95,
    timely_hours: Annotated[int, typer.Option(min=1, help="多少小时内为及时 · in time within hours")] = 24,
) -> None:
    """数据质量报告，可交县区 · the conformance report of a source, ready to hand to the county."""
    context = open_context()
    now = context.clock()
    today = shanghai(now).date()
    end = last.date() if last else today
    begin = first.date() if first else end.replace(day=1)
    report = conformance(
        context.store,
        context.vault,
        context.source(source),
        context.mapping(source),
        context.masters,
        begin,
        end,
        now,
        Limits(error_share=error_budget, timely_share=timely_share, timely_seconds=timely_hours * 3600),
    )
    _hand_over(report, form, file or Path(_name(source, begin, end, form)))


@items.command("report")
def report_items(
    file: Annotated[
        Path | None,
        typer.Argument(help="事项清单 CSV，缺省为已登记的主数据 · a published list; by default the masters"),
    ] = None,
    region: Annotated[str, typer.Option(help="主数据所属区划 · region whose master resolves the codes")] = "511602",
    as_json: Json = False,
) -> None:
    """事项编码的形态、长度、校验与可解析数，一条不丢 · shapes of published codes; every one is accounted for."""
    settings = load()
    master = settings.mappings_dir / region / "items.csv"
    found = items_report(file or master, load_masters(settings.mappings_dir).items_of(region))
    show(found)
    _tell_items(found)
    leave(Exit.DONE if not found.unresolved else Exit.PARTLY)


def _name(source: str, first: date, last: date, form: Format) -> str:
    return f"conformance-{source}-{first:%Y%m%d}-{last:%Y%m%d}.{form}"


def _hand_over(report: Document, form: Format, file: Path) -> None:
    if form is Format.JSON:
        body = report.model_dump_json(indent=2).encode() + b"\n"
    else:
        body = html(report, mode.lang) if form is Format.HTML else xlsx(report, mode.lang)
    if str(file) == "-":
        sys.stdout.buffer.write(body)
        return
    partly = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        partly.write_bytes(body)
        partly.replace(file)
    except OSError as failed:
        raise Misconfigured("conformance.unwritable", file=str(file), cause=type(failed).__name__) from failed
    verdict = text(f"conformance.verdict.{report.verdict}", mode.lang)
    sys.stdout.write(text("conformance.written", mode.lang, file=file, verdict=verdict, id=report.report_id) + "\n")


def _tell_items(found: ItemsReport) -> None:
    t = {name: text(f"items.{name}", mode.lang) for name in ("shape", "length", "count", "example", "kind", "field")}
    table(
        text("items.shapes", mode.lang),
        [t["shape"], t["length"], t["count"], t["example"]],
        [(line.shape, _span(line.shortest, line.longest), line.count, line.example) for line in found.shapes],
    )
    table(
        text("items.checks", mode.lang),
        [t["field"], t["kind"], t["count"], t["example"]],
        [(line.field, text(f"items.kind.{line.kind}", mode.lang), line.count, line.example) for line in found.checks],
    )
    table(text("items.lengths", mode.lang), [t["length"], t["count"]], list(found.lengths.items()))
    if mode.json:
        return
    counts = {
        "rows": found.rows,
        "codes": found.codes,
        "repeated": found.repeated,
        "empty": found.empty,
        "shapes": len(found.shapes),
        "lengths": len(found.lengths),
        "resolved": found.resolved,
        "unresolved": len(found.unresolved),
    }
    sys.stdout.write(text("items.sum", mode.lang, **counts) + "\n")


def _span(shortest: int, longest: int) -> str:
    return str(shortest) if shortest == longest else f"{shortest}–{longest}"
