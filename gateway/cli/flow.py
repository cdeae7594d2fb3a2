"""The stages by hand: pull, normalise, dispatch, push, track, reconcile, and ``run``, one whole cycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date as Date  # noqa: N812 - the option is called date
from functools import partial
from typing import Annotated, Any

import typer

from gateway.bootstrap import open_context
from gateway.cli.output import Exit, Json, exit_for, leave, mode, say, show, table, word
from gateway.errors import GatewayError, Transient
from gateway.messages import explain
from gateway.stages.context import Context
from gateway.stages.dispatch import dispatch as dispatch_due
from gateway.stages.normalise import normalise as normalise_landed
from gateway.stages.pull import pull as pull_source
from gateway.stages.push import push as push_due
from gateway.stages.reconcile import reconcile as reconcile_days
from gateway.stages.track import track as track_updated

Sources = Annotated[list[str] | None, typer.Argument(help="数据源，缺省为全部 · sources; all enabled ones by default")]
Target = Annotated[str, typer.Option(help="目的地 · receiving platform")]
Step = tuple[str, str, Callable[[], Any]]


def pull(sources: Sources = None, as_json: Json = False) -> None:
    """采集、落地并归一 · pull and land raw bytes, then normalise them."""
    context = open_context()
    _walk(_pulls(context, sources))


def normalise(sources: Sources = None, as_json: Json = False) -> None:
    """归一已落地的原始数据 · normalise what was landed."""
    context = open_context()
    _walk(_normalisings(context, _chosen(context, sources)))


def dispatch(as_json: Json = False) -> None:
    """差评工单派发至 12345 · negative evaluations become work orders at 12345."""
    context = open_context()
    _walk([("dispatch", "hotline", lambda: dispatch_due(context))])


def push(target: Target = "national", as_json: Json = False) -> None:
    """封装并上报 · seal, store, send; receipts are verified."""
    context = open_context()
    _walk([("push", target, partial(push_due, context, target))])


def track(as_json: Json = False) -> None:
    """跟踪工单 · work-order states come back from 12345."""
    context = open_context()
    _walk([("track", "hotline", lambda: track_updated(context))])


def reconcile(
    date: Annotated[str | None, typer.Option(help="业务日 yyyy-MM-dd，缺省为未对平的各日 · business day")] = None,
    target: Target = "national",
    as_json: Json = False,
) -> None:
    """与国家平台对账 · counts and digests per day and kind."""
    day = None if date is None else _day(date).isoformat()
    context = open_context()
    _walk([("reconcile", target, lambda: reconcile_days(context, target, day))])


def run(as_json: Json = False) -> None:
    """完整一轮 · one whole cycle: pull, normalise, dispatch, push, track, push what was put right, reconcile."""
    context = open_context()
    steps = _pulls(context, None)
    steps += [
        ("dispatch", "hotline", lambda: dispatch_due(context)),
        ("push", "national", lambda: push_due(context, "national")),
        ("track", "hotline", lambda: track_updated(context)),
        ("push", "national", lambda: push_due(context, "national")),
        ("reconcile", "national", lambda: reconcile_days(context, "national", None)),
    ]
    _walk(steps)


def _pulls(context: Context, sources: list[str] | None) -> list[Step]:
    chosen = _chosen(context, sources)
    steps: list[Step] = [("pull", name, partial(pull_source, context, name)) for name in chosen]
    # Pages that an earlier, killed run had landed are normalised too, also when the source is away now.
    return steps + _normalisings(context, chosen)


def _normalisings(context: Context, chosen: list[str]) -> list[Step]:
    return [("normalise", name, partial(normalise_landed, context, name)) for name in chosen]


def _chosen(context: Context, sources: list[str] | None) -> list[str]:
    """Named sources must exist; by default the enabled ones."""
    if not sources:
        return [name for name, source in context.sources.items() if source.enabled]
    return [context.source(name).source for name in sources]


def _day(text: str) -> Date:
    try:
        return Date.fromisoformat(text)
    except ValueError as invalid:
        raise typer.BadParameter("yyyy-MM-dd") from invalid


def _walk(steps: list[Step]) -> None:
    """Take every step; a failing one is told and costs its neighbours nothing."""
    done: list[dict[str, Any]] = []
    failures: list[GatewayError] = []
    for stage, subject, act in steps:
        try:
            outcome: dict[str, Any] = {"stage": stage, "subject": subject, "counts": asdict(act())}
        except GatewayError as error:
            failures.append(error)
            outcome = {"stage": stage, "subject": subject, "error": error.code, "message": explain(error, mode.lang)}
        done.append(outcome)
        if "error" in outcome:
            say(
                "step_failed",
                stage=word(f"stage.{stage}"),
                subject=subject,
                **{k: outcome[k] for k in ("error", "message")},
            )
    show({"steps": done})
    columns = [word("stage"), word("subject"), word("counts")]
    table("", columns, [(word(f"stage.{o['stage']}"), o["subject"], _told(o)) for o in done])
    leave(_ending(failures, len(done)))


def _told(outcome: dict[str, Any]) -> str:
    if "error" in outcome:
        return str(outcome["error"])
    counts = outcome["counts"]
    return " · ".join(f"{word('count.' + name)} {value}" for name, value in counts.items() if _countable(value)) or "–"


def _countable(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value != 0


def _ending(failures: list[GatewayError], steps: int) -> Exit:
    if not failures:
        return Exit.DONE
    if len(failures) < steps:
        return Exit.PARTLY
    worst = next((error for error in failures if not isinstance(error, Transient)), failures[0])
    return exit_for(worst)


COMMANDS = (pull, normalise, dispatch, push, track, reconcile, run)
