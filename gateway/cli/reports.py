"""``gw source report``: what a county sent, ready to hand back to it."""

from __future__ import annotations

import os
import sys
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.output import Json, mode, show, tell
from gateway.domain.moments import shanghai
from gateway.errors import Misconfigured
from gateway.messages import text
from gateway.reports.conformance import Document, Limits, conformance

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
    as_json: Json = False,
) -> None:
    """数据质量报告，可交县区 · the conformance report of a source, ready to hand to the county."""
    context = gateway()
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


def _name(source: str, first: date, last: date, form: Format) -> str:
    return f"conformance-{source}-{first:%Y%m%d}-{last:%Y%m%d}.{form}"


def _hand_over(report: Document, form: Format, file: Path) -> None:
    body = _drawn(report, form)
    if str(file) == "-":
        sys.stdout.buffer.write(body)
        return
    partly = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        partly.write_bytes(body)
        partly.replace(file)
    except OSError as failed:
        partly.unlink(missing_ok=True)
        raise Misconfigured("conformance.unwritable", file=str(file), cause=type(failed).__name__) from failed
    show({"file": str(file), "report_id": report.report_id, "verdict": report.verdict})
    verdict = text(f"conformance.verdict.{report.verdict}", mode.lang)
    tell(text("conformance.written", mode.lang, file=file, verdict=verdict, id=report.report_id))


def _drawn(report: Document, form: Format) -> bytes:
    if form is Format.JSON:
        return report.model_dump_json(indent=2).encode() + b"\n"
    if form is Format.HTML:  # the drawing libraries load only here, since every `gw source` imports this module
        from gateway.reports.conformance.render_html import html

        return html(report, mode.lang)
    from gateway.reports.conformance.render_xlsx import xlsx

    return xlsx(report, mode.lang)
