"""The cursor of a source, as a person sees and moves it (游标)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from gateway.errors import Rejected, Transient
from gateway.stages.context import Context
from gateway.store import audit, sources
from gateway.store.audit import Act

FROM_THE_START = "start"
MOVE = "source.cursor"
LATEST = 5


@dataclass(frozen=True, slots=True)
class Held:
    """A source's cursor, none before its first page; ``version`` counts its moves; the last moves by people."""

    source_id: str
    cursor: str | None
    version: int
    moves: list[Act]


def held(context: Context, source_id: str) -> Held:
    context.source(source_id)
    with context.store.read() as transaction:
        state = sources.state(transaction, source_id)
        moves = audit.of_object(transaction, source_id, MOVE, LATEST)
    return Held(source_id, state.cursor if state else None, state.cursor_version if state else 0, moves)


def readable(written: str) -> str | None:
    """A cursor as a person writes it; none for the start. Raises ``Rejected('source.cursor_form')``."""
    if written == FROM_THE_START:
        return None
    try:
        json.loads(written)
    except ValueError as broken:
        raise Rejected("source.cursor_form", given=written[:60]) from broken
    return written


def move(context: Context, source_id: str, cursor: str | None, actor: str, reason: str) -> None:
    """Move it, audited with what it was; the pages landed stay, and what comes again is a duplicate.

    Raises ``Transient('pull.overtaken')`` when a pull has moved it meanwhile.
    """
    context.source(source_id)
    now = context.clock()
    with context.store.begin() as transaction:
        before = sources.start(transaction, source_id, now)
        if not sources.set_cursor(transaction, source_id, cursor, before.cursor_version):
            raise Transient("pull.overtaken", source=source_id)
        told = f"{reason}（{before.cursor or '-'} → {cursor or '-'}）"
        audit.record(transaction, Act(now, actor, MOVE, source_id, told, "moved"))
