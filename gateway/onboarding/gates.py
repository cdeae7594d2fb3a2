"""Going live (上线): the gates that a source passes first, and the one step that opens the way to the platform."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import connectors
from gateway.domain.life import Life, Turn
from gateway.errors import GatewayError, Misconfigured, Rejected
from gateway.onboarding.coverage import coverage
from gateway.onboarding.undecided import refuse_undecided
from gateway.stages import life
from gateway.stages.context import Context
from gateway.store import lives
from gateway.store.lives import ShadowDay
from schemas.source import SourceFile

GATES = ("check", "coverage", "dry_run", "shadow")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the deployment asks for (``GW_GO_LIVE_SHARE``, ``GW_SHADOW_DAYS``)."""

    error_share: float = 0.05  # of the dry run's and the shadow run's records
    shadow_days: int = 3  # days on which something was received


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: passed, not passed, or left aside by a person. ``code`` and ``params`` say why not."""

    name: str
    passed: bool
    waived: bool = False
    code: str | None = None
    params: dict[str, Any] | None = None

    @property
    def open(self) -> bool:
        return self.passed or self.waived


def gates(context: Context, source_id: str, limits: Limits, waived: Collection[str] = ()) -> list[Gate]:
    """Every gate of a source, each looked at. ``Rejected('source.gate_unknown')`` for one that there isn't."""
    source = context.source(source_id)
    if unknown := [name for name in waived if name not in GATES]:
        raise Rejected("source.gate_unknown", gate=unknown[0], known=" ".join(GATES))
    looks: dict[str, Callable[[], None]] = {
        "check": lambda: _check(context, source),
        "coverage": lambda: _coverage(context, source),
        "dry_run": lambda: _dry_run(context, source_id, limits),
        "shadow": lambda: _shadow(context, source_id, limits),
    }
    found = []
    for name in GATES:
        try:
            looks[name]()
        except GatewayError as wrong:
            found.append(Gate(name, False, name in waived, wrong.code, wrong.params))
        else:
            found.append(Gate(name, True))
    return found


def go_live(
    context: Context, source_id: str, limits: Limits, waived: Collection[str], actor: str, reason: str
) -> list[Gate]:
    """Open the way: what was landed in the shadow is normalised and pushed from now on. Audited, with what was waived.

    Raises ``Misconfigured('source.gates_closed')``, ``Rejected('source.no_such_turn')``.
    """
    looked = gates(context, source_id, limits, waived)
    closed = [gate.name for gate in looked if not gate.open]
    if closed:
        raise Misconfigured("source.gates_closed", source=source_id, gates=", ".join(closed))
    left_aside = [gate.name for gate in looked if gate.waived]
    outcome = "passed" if not left_aside else "waived:" + ",".join(left_aside)
    life.turn(context, source_id, Turn.GO_LIVE, actor, reason or None, outcome)
    return looked


def _check(context: Context, source: SourceFile) -> None:
    refuse_undecided(source)
    context.mapping(source.source)
    settings = context.settings
    connector = connectors.build(source, settings.connection(source.connection), settings.allowed_hosts)
    try:
        wrong = [finding for finding in connector.check() if not finding.ok]
    finally:
        connector.close()
    if wrong:
        raise Misconfigured("source.check_failed", source=source.source, step=wrong[0].step, detail=wrong[0].detail)


def _coverage(context: Context, source: SourceFile) -> None:
    lacking = [line.name for line in coverage(source, context.masters) if line.lacking]
    if lacking:
        raise Misconfigured("source.not_covered", source=source.source, count=len(lacking), fields=", ".join(lacking))


def _dry_run(context: Context, source_id: str, limits: Limits) -> None:
    with context.store.read() as transaction:
        ran = lives.last_dry_run(transaction, source_id)
    if ran is None or ran.rule_version != context.mapping(source_id).version:
        raise Misconfigured("source.dry_run_missing", source=source_id)
    if not ran.landed:
        raise Misconfigured("source.dry_run_empty", source=source_id)
    if ran.quarantined > limits.error_share * ran.landed:
        figures = {"refused": ran.quarantined, "landed": ran.landed, "limit": f"{limits.error_share:.0%}"}
        raise Misconfigured("source.dry_run_errors", source=source_id, **figures)


def _shadow(context: Context, source_id: str, limits: Limits) -> None:
    with context.store.read() as transaction:
        state = life.lived(transaction, context.source(source_id)).life
        days = lives.shadow_days(transaction, source_id)
    received = [line for line in days if line.pages]
    if state is not Life.SHADOW or len(received) < limits.shadow_days:
        raise Misconfigured("source.shadow_short", source=source_id, days=len(received), wanted=limits.shadow_days)
    if {line.rule_version for line in received} != {context.mapping(source_id).version}:
        raise Misconfigured("source.shadow_stale", source=source_id)
    if differing := [line.day for line in days if line.agrees is False]:
        raise Misconfigured("source.shadow_differs", source=source_id, days=", ".join(differing))
    _refuse_errors(source_id, received, limits)


def _refuse_errors(source_id: str, days: list[ShadowDay], limits: Limits) -> None:
    landed, refused = sum(line.landed for line in days), sum(line.quarantined for line in days)
    if refused > limits.error_share * landed:
        figures = {"refused": refused, "landed": landed, "limit": f"{limits.error_share:.0%}"}
        raise Misconfigured("source.shadow_errors", source=source_id, **figures)
