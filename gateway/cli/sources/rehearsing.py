"""``gw source dry-run`` and ``shadow``: the whole way in, without a step towards the platform."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor
from gateway.cli.output import Exit, Json, leave, mode, say, show, tell, word
from gateway.cli.reports import DAY
from gateway.cli.sources.listing import SourceId
from gateway.cli.tables import table
from gateway.domain.life import Life, Turn
from gateway.domain.moments import shanghai
from gateway.onboarding import dry_run as drying
from gateway.onboarding import shadow as shadowing
from gateway.onboarding.undecided import refuse_undecided
from gateway.reports.conformance import Document, Limits
from gateway.reports.conformance.document import FieldCount
from gateway.stages import life
from gateway.stages.context import Context
from gateway.store.lives import ShadowDay


def dry_run(
    source: SourceId,
    day: Annotated[datetime | None, typer.Option(formats=DAY, help="哪一日，缺省昨日 · by default yesterday")] = None,
    pages: Annotated[int, typer.Option(min=1, max=10_000, help="最多取多少页 · at most so many pages")] = 200,
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="用保存的样例 · a saved body")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="质量报告另存为 HTML · the report as HTML")] = None,
    as_json: Json = False,
) -> None:
    """空跑一日：走完采集与归一，什么也不入库，出质量报告 · rehearse a day; nothing is stored."""
    context = gateway()
    refuse_undecided(context.source(source))
    when = day.date() if day else shanghai(context.clock()).date() - timedelta(days=1)
    limits = Limits(error_share=context.settings.go_live_share)
    tried = drying.dry_run(context, source, when, pages, limits, file)
    if report is not None and tried.report is not None:
        _write(tried.report, report)
    share = tried.share
    show(
        {
            "source": source,
            "day": when,
            "from_that_day": tried.from_that_day,
            "pages": tried.pages,
            "landed": tried.landed,
            "refused": tried.refused,
            "share": share,
            "verdict": tried.report.verdict if tried.report else None,
            "report": tried.report.model_dump(mode="json") if tried.report else None,
        }
    )
    begins = word("dry_run.day", day=when) if tried.from_that_day else word("dry_run.first_pages")
    say(
        "dry_run.done",
        begins=begins,
        pages=tried.pages,
        landed=tried.landed,
        good=tried.landed - tried.refused,
        refused=tried.refused,
        share="–" if share is None else f"{share:.1%}",
        limit=f"{context.settings.go_live_share:.0%}",
    )
    _tell_causes(tried.report)
    if report is not None and tried.report is not None:
        say("dry_run.written", file=report)
    leave(Exit.PARTLY if share is None or share > context.settings.go_live_share else Exit.DONE)


def shadow(
    source: SourceId,
    counts: Annotated[
        list[str] | None, typer.Option("--count", help="对方自己的评价数，日期=条数 · the county's own: day=number")
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """影子运行：照常采集，不入账不上报；逐日比对条数 · pulled, never pushed; counts compared by day.

    第一次运行即转入影子运行；以后每次重新比对。 · The first call starts it; each later one compares anew.
    """
    context = gateway()
    refuse_undecided(context.source(source))
    with context.store.read() as transaction:
        now = life.lived(transaction, context.source(source)).life
    started = now is not Life.SHADOW
    if started:
        context.mapping(source)
        life.turn(context, source, Turn.SHADOW, actor(), reason or None)
    for told in counts or ():
        shadowing.tell(context, source, told)
    compared = shadowing.compare(context, source, Limits(error_share=context.settings.go_live_share))
    show({"source": source, "started": started, "days": [_day(line) for line in compared.days]})
    if started:
        say("shadow.started", source=source)
    _tell_days(context, compared.days)
    _tell_causes(compared.report)
    differs = any(line.agrees is False for line in compared.days)
    leave(Exit.PARTLY if differs else Exit.DONE)


def _day(line: ShadowDay) -> dict[str, object]:
    return {**line._asdict(), "agrees": line.agrees}


def _tell_days(context: Context, days: list[ShadowDay]) -> None:
    table(
        "",
        (
            "shadow.day",
            "pages",
            "landed",
            "shadow.passing",
            "quarantined",
            "duplicate",
            "evaluations",
            "told",
            "result",
        ),
        [
            (
                line.day,
                line.pages,
                line.landed,
                line.stored,
                line.quarantined,
                line.duplicate,
                line.evaluations,
                line.told,
                word({True: "agrees", False: "differs", None: "untold"}[line.agrees]),
            )
            for line in days
        ],
    )
    received = sum(line.pages > 0 for line in days)
    say("shadow.days", days=received, wanted=context.settings.shadow_days)


def _tell_causes(report: Document | None) -> None:
    if report is None or not report.facts.problems:
        return
    rows = [
        (cause.records, cause.code, cause.title if mode.lang == "zh" else cause.title_en, _places(cause.fields))
        for cause in report.facts.problems
    ]
    table(word("problems"), ("records", "code", "reason", "field"), rows)
    for use in report.facts.codes:
        if use.unmapped:
            values = "、".join(f"{one.value} × {one.records}" for one in use.unmapped[:10])
            tell(f"  {use.field}（{use.title}）{word('unmapped')}：{values}")


def _places(fields: list[FieldCount]) -> str:
    return " ".join(sorted({one.field for one in fields}))


def _write(report: Document, file: Path) -> None:
    from gateway.reports.conformance.render_html import html

    file.write_bytes(html(report, mode.lang))
