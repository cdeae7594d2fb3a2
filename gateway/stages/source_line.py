"""The line to a source (采集通路): who may ask it now, and what is noted of how it goes.

A source that is suspended waits for a person. One that is in maintenance, that keeps failing (熔断), that asked for a
rest (Retry-After), or over whose connection enough others are pulling waits for time: then nobody fails, the pull
stands still and says until when. What went wrong is kept in the database; the log tells a loss once, and the return.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from gateway.connector import Connector
from gateway.domain.moments import shanghai_text
from gateway.errors import Bug, GatewayError, Misconfigured, Rejected, Transient
from gateway.messages import keep
from gateway.net.turn import waiting_by
from gateway.stages.context import Context
from gateway.stages.life import require_pulling
from gateway.store import shares, sources
from schemas.flow import in_maintenance
from schemas.source import SourceFile

log = structlog.get_logger(__name__)
SLOT_SECONDS = 300
MAINTENANCE, PAUSED, BUSY = "source.maintenance", "source.paused", "source.busy"


@dataclass(frozen=True, slots=True)
class Halt:
    """Why a source isn't asked now, though nobody has to act; ``until`` is when it may be, if that is known."""

    code: str
    until: datetime | None = None

    @property
    def detail(self) -> dict[str, str]:
        return {} if self.until is None else {"until": shanghai_text(self.until)}


class Halted(Exception):
    """The source is asked for nothing more; raised by :func:`line` before it is asked at all."""

    def __init__(self, halt: Halt) -> None:
        super().__init__(halt.code)
        self.halt = halt


def halt_of(source: SourceFile, state: sources.SourceState | None, now: datetime) -> Halt | None:
    """What stands between the source and a pull at ``now``: its maintenance, or its open breaker."""
    if (until := in_maintenance(source.maintenance, now)) is not None:
        return Halt(MAINTENANCE, until)
    if state is not None and state.paused_until is not None and now < state.paused_until:
        return Halt(PAUSED, state.paused_until)
    return None


def go_on(context: Context, source: SourceFile) -> None:
    """Raises :class:`Halted` once the source's maintenance has begun: what is landed is landed."""
    if (halt := halt_of(source, None, context.clock())) is not None:
        raise Halted(halt)


@contextmanager
def line(context: Context, source: SourceFile) -> Iterator[tuple[Connector, sources.SourceState]]:
    """The source's connector, and the state that a pull begins from; failures of the block are noted.

    Raises :class:`Halted`; ``Misconfigured``: ``source.suspended``, or ``source.not_pulled`` of a draft or a paused
    one; and what the block raises.
    """
    now = context.clock()
    with context.store.begin() as transaction:
        require_pulling(transaction, source)
        state = sources.start(transaction, source.source, now)
    if state.suspended_code is not None:
        raise Misconfigured("source.suspended", source=source.source, cause=state.suspended_code)
    if (halt := halt_of(source, state, now)) is not None:
        raise Halted(halt)
    with ExitStack() as stack:
        slot = stack.enter_context(_slot(context, source))
        try:
            stack.enter_context(waiting_by(lambda: _wait(context, source, slot)))
            yield stack.enter_context(closing(context.build_connector(source))), state
        except (Halted, Rejected):  # nothing is wrong with the source
            raise
        except GatewayError as failure:
            _note(context, state, failure)
            raise
        except Exception as failure:
            _note(context, state, Bug("bug.connector", source=source.source, failure=type(failure).__name__))
            raise


def note_success(context: Context, source_id: str, unfinished: list[str]) -> None:
    """The source was read to its end."""
    now = context.clock()
    with context.store.begin() as transaction:
        lost = sources.succeeded(transaction, source_id, now, unfinished)
    if lost is not None:
        log.info("source.back", source=source_id, lost_seconds=int((now - lost).total_seconds()))


def _note(context: Context, began: sources.SourceState, failure: GatewayError) -> None:
    """Keep what went wrong where status and console show it; one source's failure touches no other's."""
    source_id = began.source_id
    detail, wait = keep(failure), failure.retry_after if isinstance(failure, Transient) else None
    with context.store.begin() as transaction:
        kept = (failure.code, detail, context.clock())
        first = sources.failed(transaction, source_id, *kept, began=began.cursor_version, retry_after=wait)
        if isinstance(failure, Misconfigured):
            sources.suspend(transaction, source_id, failure.code, detail)
    if first:
        log.warning("source.lost", source=source_id, code=failure.code)


@dataclass(slots=True)
class _Slot:
    """A place among those who may pull over a connection at once."""

    holder: str = field(default_factory=lambda: secrets.token_hex(16))
    renewed: float = field(default_factory=time.monotonic)


@contextmanager
def _slot(context: Context, source: SourceFile) -> Iterator[_Slot | None]:
    """One of the connection's slots while the block lasts; raises :class:`Halted` when none is free."""
    if source.parallel is None:
        yield None
        return
    slot = _Slot()
    with context.store.begin() as transaction:
        now = _milliseconds(context)
        given = (source.connection, source.parallel, slot.holder, now, SLOT_SECONDS)
        if shares.take_slot(transaction, *given) is None:
            raise Halted(Halt(BUSY))
    try:
        yield slot
    finally:
        with context.store.begin() as transaction:
            shares.keep_slot(transaction, source.connection, slot.holder, _milliseconds(context))


def _wait(context: Context, source: SourceFile, slot: _Slot | None) -> None:
    """Before each call: keep the slot, and wait for the connection's next turn."""
    if slot is not None and time.monotonic() - slot.renewed > SLOT_SECONDS / 3:
        with context.store.begin() as transaction:
            until = context.clock() + timedelta(seconds=SLOT_SECONDS)
            shares.keep_slot(transaction, source.connection, slot.holder, int(until.timestamp() * 1000))
        slot.renewed = time.monotonic()
    if (rate := source.rate) is not None:
        with context.store.begin() as transaction:
            now = context.clock().timestamp()
            wait = shares.take_turn(transaction, source.connection, now, rate.interval, rate.burst)
        time.sleep(wait)


def _milliseconds(context: Context) -> int:
    return int(context.clock().timestamp() * 1000)
