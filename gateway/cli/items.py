"""``gw items``: what published item codes look like, and whether the masters know them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import Exit, Json, leave, mode, show, tell
from gateway.cli.tables import table
from gateway.mapping import load_masters
from gateway.messages import text
from gateway.reports.items import ItemsReport, items_report
from gateway.settings import load

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def group() -> None:
    """事项：report · service items."""


@app.command("report")
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


def _tell_items(found: ItemsReport) -> None:
    table(
        text("items.shapes", mode.lang),
        ("shape", "length", "records", "example"),
        [(line.shape, _span(line.shortest, line.longest), line.count, line.example) for line in found.shapes],
    )
    table(
        text("items.checks", mode.lang),
        ("field", "kind", "records", "example"),
        [(line.field, text(f"items.kind.{line.kind}", mode.lang), line.count, line.example) for line in found.checks],
    )
    table(text("items.lengths", mode.lang), ("length", "records"), list(found.lengths.items()))
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
    tell(text("items.sum", mode.lang, **counts))


def _span(shortest: int, longest: int) -> str:
    return str(shortest) if shortest == longest else f"{shortest}–{longest}"
