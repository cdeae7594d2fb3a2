"""The stages by hand: pull, normalise, dispatch, push, track, and ``run``, one whole cycle."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date as Date  # noqa: N812 - the option is called date
from functools import partial
from importlib import import_module
from typing import Annotated, Any

import typer

from gateway.cli.opening import gateway
from gateway.cli.output import Json
from gateway.cli.walk import Step, walk
from gateway.domain.moments import day_bounds
from gateway.errors import GatewayError, Rejected
from gateway.national.target import NATIONAL
from gateway.stages.context import Context
from gateway.stages.life import is_shadow, pulled

app = typer.Typer(add_completion=False)
Sources = Annotated[list[str] | None, typer.Argument(help="数据源，缺省为全部启用的 · sources; by default all enabled")]
Target = Annotated[str, typer.Option(help="目的地 · receiving platform")]
AnyTarget = Annotated[
    str | None, typer.Option(help="目的地，缺省为全部启用的 · receiving platform; by default all enabled")
]


@app.command()
def run(as_json: Json = False) -> None:
    """完整一轮：采集、归一、影子比对（每日一次）、派单、上报、跟踪、再上报、对账。尚有待处理的，逐项说明，退出码 3。

     · One whole cycle: pull, normalise, compare shadow runs once a day, dispatch, push, track, push what was put right,
    reconcile. What still waits is told with its next act, exit code 3.
    """
    context = gateway()
    steps = [
        *_pulls(context, None),
        *_comparisons(context),
        Step("dispatch", "hotline", partial(_stage("dispatch"), context)),
        *_broken_targets(context),
        *pushes(context),
        Step("track", "hotline", partial(_stage("track"), context)),
        *pushes(context),
        *reconcilings(context, None),
    ]
    walk(context, steps, whole=True)


@app.command()
def pull(
    sources: Sources = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="yyyy-MM-dd", help="补采：自该日起 · backfill from this day")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", metavar="yyyy-MM-dd", help="补采：至该日止（含） · to this day, inclusive")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="已补采的日子也重采 · days that were backfilled before, too")
    ] = False,
    as_json: Json = False,
) -> None:
    """采集、落地并归一；给出 --from、--to 则补采该时段，逐日续采，不动游标。

     · Pull and land raw bytes, then normalise them. With --from and --to a backfill, day by day, that goes on where it
    was cut and leaves the running cursor alone.
    """
    context = gateway()
    if since is None and until is None and not again:
        walk(context, _pulls(context, sources))
        return
    if not sources or since is None or until is None:
        raise Rejected("cli.backfill_incomplete")
    begin, _ = day_bounds(Date.fromisoformat(business_day(since)))
    _, end = day_bounds(Date.fromisoformat(business_day(until)))
    chosen = _chosen(context, sources)
    act = partial(_stage("backfill"), context, since=begin, until=end, again=again)
    walk(context, [*(Step("backfill", name, partial(act, name)) for name in chosen), *_normalisings(context, chosen)])


@app.command()
def normalise(sources: Sources = None, as_json: Json = False) -> None:
    """归一已落地的原始数据。 · Normalise what was landed."""
    context = gateway()
    walk(context, [*_broken(context, sources), *_normalisings(context, _chosen(context, sources))])


@app.command()
def dispatch(as_json: Json = False) -> None:
    """差评工单派发至 12345。 · Dispatch negative evaluations as work orders to 12345."""
    context = gateway()
    walk(context, [Step("dispatch", "hotline", partial(_stage("dispatch"), context))])


@app.command()
def push(target: AnyTarget = None, as_json: Json = False) -> None:
    """封装并上报，回执验签。 · Seal, store, send; receipts are verified."""
    context = gateway()
    walk(context, [*([] if target else _broken_targets(context)), *pushes(context, target)])


@app.command()
def track(as_json: Json = False) -> None:
    """从 12345 取回工单进展。 · Work-order states come back from 12345."""
    context = gateway()
    walk(context, [Step("track", "hotline", partial(_stage("track"), context))])


def business_day(text: str) -> str:
    """``text`` if it is a day, or ``Rejected('cli.date_invalid')``."""
    try:
        return Date.fromisoformat(text).isoformat()
    except ValueError as invalid:
        raise Rejected("cli.date_invalid", date=text) from invalid


def pushes(context: Context, target: str | None = None) -> list[Step]:
    """Pushing to ``target``, or to every enabled one. Where there is none at all, the national one's file is missed."""
    known = [one.target for one in context.targets.pushed] if target is None else [target]
    if not (known or context.targets.usable or context.targets.broken):
        known = [NATIONAL.target]
    return [Step("push", name, partial(_stage("push"), context, name)) for name in known]


def reconcilings(context: Context, date: str | None, target: str | None = None) -> list[Step]:
    """Comparing with ``target``, or with every enabled one whose interface lets that be done."""
    known = [one.target for one in context.targets.pushed if one.reconciles] if target is None else [target]
    return [Step("reconcile", name, partial(_stage("reconcile"), context, name, date)) for name in known]


def _stage(name: str) -> Callable[..., Any]:
    """The stage's function, imported when it is needed: SOAP alone takes a tenth of a second."""
    stage: Callable[..., Any] = getattr(import_module(f"gateway.stages.{name}"), name)
    return stage


def _pulls(context: Context, sources: list[str] | None) -> list[Step]:
    chosen = _chosen(context, sources)
    pulls = [Step("pull", name, partial(_stage("pull"), context, name)) for name in chosen]
    # Pages that an earlier, killed run had landed are normalised too, also when the source is away now.
    return [*_broken(context, sources), *pulls, *_normalisings(context, chosen)]


def _normalisings(context: Context, chosen: Iterable[str]) -> list[Step]:
    return [Step("normalise", name, partial(_stage("normalise"), context, name)) for name in chosen]


def _comparisons(context: Context) -> list[Step]:
    """A day in the shadow counts once it was compared."""
    from gateway.onboarding.shadow import compare_daily  # late: it brings the reports along

    waiting = [name for name in pulled(context) if is_shadow(context, name)]
    return [Step("shadow", name, partial(compare_daily, context, name)) for name in waiting]


def _chosen(context: Context, sources: list[str] | None) -> list[str]:
    """Named sources must exist; by default the enabled ones that are neither drafts nor paused."""
    if not sources:
        return pulled(context)
    return [context.source(name).source for name in dict.fromkeys(sources)]


def _broken(context: Context, sources: list[str] | None) -> list[Step]:
    """Source files that can't be read fail a step of their own; their neighbours go on."""
    return [] if sources else [Step("load", one.file, partial(_fail, one.error)) for one in context.broken_sources]


def _broken_targets(context: Context) -> list[Step]:
    """Target files that can't be read, likewise."""
    return [Step("load", one.file, partial(_fail, one.error)) for one in context.targets.broken]


def _fail(error: GatewayError) -> None:
    raise error
