"""``gw source go-live``, ``pause`` and ``resume``: the acts that open and close the way."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Exit, Json, leave, mode, say, show, word
from gateway.cli.sources.listing import SourceId
from gateway.cli.tables import table
from gateway.domain.life import Life, Turn
from gateway.errors import GatewayError
from gateway.messages import explain
from gateway.onboarding import gates as gating
from gateway.onboarding.gates import Gate
from gateway.stages import life, pull


def go_live(
    source: SourceId,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", help="不看此关，须写原因：check coverage dry_run shadow · leave a gate aside"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="执行；缺省只看各关 · do it; by default only look")] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """上线：各关都通过才放行，此后入账、派单、上报 · only when the gates pass; audited."""
    context = gateway()
    settings = context.settings
    limits = gating.Limits(settings.go_live_share, settings.shadow_days)
    waived = without or []
    looked = gating.gates(context, source, limits, waived)
    ready = all(gate.open for gate in looked)
    live = False
    if yes and ready:
        why = required(reason) if any(gate.waived for gate in looked) else reason.strip()
        gating.go_live(context, source, limits, waived, actor(), why)
        live = True
    show({"source": source, "gates": looked, "ready": ready, "live": live})
    table(
        "",
        ("gate", "result", "detail"),
        [(word(f"gate.{gate.name}"), _result(gate), _detail(gate)) for gate in looked],
        prose="detail",
    )
    say("gone_live" if live else "gates_open" if ready else "gates_shut", source=source)
    leave(Exit.DONE if live or (ready and not yes) else Exit.MISCONFIGURED)


def pause(source: SourceId, reason: Reason = "", as_json: Json = False) -> None:
    """暂停采集，直至 gw source resume · stop pulling until it is resumed."""
    why = required(reason)
    life.turn(gateway(), source, Turn.PAUSE, actor(), why)
    show({"source": source, "life": Life.PAUSED})
    say("source_paused", source=source)


def resume(source: SourceId, reason: Reason = "", as_json: Json = False) -> None:
    """暂停或挂起后恢复采集，从上次游标继续 · once the cause is gone: pulling goes on from the last cursor."""
    why = required(reason)
    context = gateway()
    with context.store.read() as transaction:
        paused = life.lived(transaction, context.source(source)).life is Life.PAUSED
    if paused:
        life.turn(context, source, Turn.RESUME, actor(), why)
    resumed = pull.resume_source(context, source, actor(), why) or paused
    show({"source": source, "resumed": resumed})
    say("source_resumed" if resumed else "source_not_suspended", source=source)


def _result(gate: Gate) -> str:
    return word("ok" if gate.passed else "waived" if gate.waived else "not_ok")


def _detail(gate: Gate) -> str | None:
    if gate.code is None:
        return None
    return f"{gate.code} {explain(GatewayError(gate.code, **(gate.params or {})), mode.lang)}"
