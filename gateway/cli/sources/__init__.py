"""``gw source``: the configured sources, and how a new one joins."""

from __future__ import annotations

import typer

from gateway.cli.files import source_files
from gateway.cli.reports import source_report
from gateway.cli.sources import (
    checking,
    cursor,
    diagnostics,
    going_live,
    listing,
    new,
    rehearsing,
    trying,
)
from gateway.cli.sources.listing import tell_broken

__all__ = ["app", "tell_broken"]

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command("list")(listing.list_sources)
app.command("new")(new.new)
app.command("schema")(new.schema)
app.command("check")(checking.check)
app.command("try")(trying.try_source)
app.command("coverage")(checking.coverage)
app.command("dry-run")(rehearsing.dry_run)
app.command("shadow")(rehearsing.shadow)
app.command("go-live")(going_live.go_live)
app.command("pause")(going_live.pause)
app.command("resume")(going_live.resume)
app.add_typer(cursor.app, name="cursor", help="游标：show, set · where the next pull starts")
app.command("diagnostics")(diagnostics.diagnostics)
app.command("files")(source_files)
app.command("report")(source_report)
