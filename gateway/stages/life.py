"""A source's life (数据源生命周期) in the stages: who is pulled, whose pages enter the ledger."""

from __future__ import annotations

from gateway.domain.life import Life, Turn, after, is_normalised, is_pulled
from gateway.errors import Misconfigured, Rejected
from gateway.stages import error_budget
from gateway.stages.context import Context
from gateway.store import Transaction, audit, lives
from gateway.store.lives import Lived
from schemas.source import SourceFile

NOT_LIVE = "source.not_live"


def lived(transaction: Transaction, source: SourceFile) -> Lived:
    """How ``source`` lives."""
    return lives.of_sources(transaction, {source.source: source})[source.source]


def pulled(context: Context) -> list[str]:
    """The enabled sources that are neither drafts nor paused."""
    with context.store.read() as transaction:
        found = lives.of_sources(transaction, context.sources)
    return [name for name, source in context.sources.items() if source.enabled and is_pulled(found[name].life)]


def is_shadow(context: Context, source_id: str) -> bool:
    with context.store.read() as transaction:
        return lived(transaction, context.source(source_id)).life is Life.SHADOW


def withheld(transaction: Transaction, context: Context) -> set[str]:
    """Sources whose landed pages stay landed: not live yet, or beyond their error budget."""
    found = lives.of_sources(transaction, context.sources)
    return error_budget.stopped(transaction) | {
        name for name, one in found.items() if not is_normalised(one.life, one.before)
    }


def require_pulling(transaction: Transaction, source: SourceFile) -> None:
    """Raises ``Misconfigured('source.not_pulled')`` for a draft and while a source is paused."""
    life = lived(transaction, source).life
    if not is_pulled(life):
        command = "gw source resume" if life is Life.PAUSED else "gw source shadow"
        raise Misconfigured("source.not_pulled", source=source.source, life=life.value, command=command)


def turn(context: Context, source_id: str, wanted: Turn, actor: str, reason: str | None, outcome: str = "") -> Lived:
    """Move a source's life, audited in the same transaction. ``outcome``: for the audit, by default from and to.

    Raises ``Rejected('source.no_such_turn')`` where there is no such way.
    """
    source = context.source(source_id)
    now = context.clock()
    with context.store.begin() as transaction:
        was = lived(transaction, source)
        life = after(was.life, wanted, was.before)
        if life is None:
            raise Rejected("source.no_such_turn", source=source_id, life=was.life.value, turn=wanted.value)
        shadow_since = now if wanted is Turn.SHADOW else was.shadow_since
        became = Lived(life, was.life if life is Life.PAUSED else None, now, shadow_since)
        lives.move(transaction, source_id, became)
        told = outcome or f"{was.life.value}>{life.value}"
        audit.record(transaction, audit.Act(now, actor, f"source.{wanted.value}", source_id, reason, told))
    return became
