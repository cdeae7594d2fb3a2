"""``gw target keys`` and ``gw target indicators``: what the platform publishes, fetched, shown, applied by an act."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Json, say, show, word
from gateway.cli.tables import table
from gateway.domain.moments import day_bounds, day_text, shanghai_text
from gateway.stages import published as stage

keys = typer.Typer(no_args_is_help=True, add_completion=False)
indicators = typer.Typer(no_args_is_help=True, add_completion=False)
Target = Annotated[str, typer.Argument(help="目的地 · receiving platform")]


@keys.command("fetch")
def fetch_keys(target: Target = "national", as_json: Json = False) -> None:
    """取回平台公布的公钥，列出与已登记的差异；不作改动 · fetch the platform's keys and show what would change."""
    report = stage.fetch_keys(gateway(), target)
    show(report)
    _tell_keys(report)
    say("published.keys_fetched", time=shanghai_text(report.fetched_at))


@keys.command("apply")
def apply_keys(
    target: Target = "national",
    drop: Annotated[
        bool, typer.Option("--drop", help="同时撤销平台不再公布的 · let go of keys no longer listed")
    ] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """登记上次取回的公钥；指纹须先经可靠渠道核对 · pin the keys fetched last; compare fingerprints first."""
    report = stage.apply_keys(gateway(), target, actor(), required(reason), drop=drop)
    show(report)
    _tell_keys(report)
    gone = sum(change.change == "gone" for change in report.changes)
    new = sum(change.change == "new" for change in report.changes)
    say("published.keys_applied", new=new, gone=gone if drop else 0)


@indicators.command("fetch")
def fetch_indicators(as_json: Json = False) -> None:
    """取回平台的评价指标字典，列出与现行的差异；不作改动 · fetch the indicators and show what would change."""
    report = stage.fetch_indicators(gateway())
    show(report)
    _tell_indicators(report)
    say("published.indicators_fetched", version=report.version, changes=len(report.changes))


@indicators.command("apply")
def apply_indicators(
    first_day: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="生效日，缺省为即刻 · first day; now")
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """启用上次取回的指标字典，此后归一按它判定 · put the indicators fetched last in force for normalising."""
    since = None if first_day is None else day_bounds(first_day.date())[0]
    report = stage.apply_indicators(gateway(), actor(), required(reason), since)
    show(report)
    _tell_indicators(report)
    say("published.indicators_applied", version=report.version, since=day_text(report.valid_from))


@indicators.command("list")
def list_indicators(as_json: Json = False) -> None:
    """取回过的指标字典及其生效期 · the dictionaries that were fetched, and when each counted."""
    versions = stage.indicator_versions(gateway())
    show(
        [
            {name: value for name, value in one._asdict().items() if name not in ("body", "published_id")}
            for one in versions
        ]
    )
    table(
        word("published.indicators"),
        ("published.version", "published.fetched", "keys.since", "keys.until"),
        [(one.version, one.fetched_at, day_text(one.valid_from), day_text(one.valid_to)) for one in versions],
    )


def _tell_keys(report: stage.KeysReport) -> None:
    table(
        word("published.keys"),
        ("published.change", "keys.key_id", "published.use", "keys.algorithm", "keys.until", "published.fingerprint"),
        [
            (
                word(f"published.{line.change}"),
                line.key_id,
                line.use,
                line.algorithm,
                day_text(line.not_after),
                line.fingerprint,
            )
            for line in report.changes
        ],
    )


def _tell_indicators(report: stage.IndicatorsReport) -> None:
    table(
        word("published.indicators"),
        ("published.change", "code", "name", "published.former"),
        [(word(f"published.{one.change}"), one.code, one.name, one.former_name) for one in report.changes],
    )
