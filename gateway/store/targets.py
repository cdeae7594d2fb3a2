"""Receiving platforms: suspension with its cause, the persisted breaker, the watermark over the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as upsert_postgresql
from sqlalchemy.dialects.sqlite import insert as upsert_sqlite

from gateway.domain.breaker import Breaker, Position
from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import stream, target_state

NO_DIGEST = "0" * 64
_READ = select(target_state).where(target_state.c.target_id == bindparam("of_target"))  # read many times a batch


class TargetRow(NamedTuple):
    """One target as stored. ``position``: ledger positions up to here are in a batch or held."""

    target_id: str
    suspended_code: str | None
    suspended_detail: str | None
    suspended_at: datetime | None
    breaker: Breaker
    position: int
    last_success_at: datetime | None
    last_error_code: str | None
    last_error_detail: str | None


def read_target(connection: Connection, target_id: str) -> TargetRow:
    """The target's row, made on first sight."""
    found = connection.execute(_READ, {"of_target": target_id}).first()
    if found is None:
        return TargetRow(target_id, None, None, None, Breaker(), 0, None, None, None)
    return TargetRow(
        target_id,
        found.suspended_code,
        found.suspended_detail,
        _aware(found.suspended_at),
        Breaker(cast("Position", found.breaker), found.failures, _aware(found.opened_at)),
        found.position,
        _aware(found.last_success_at),
        found.last_error_code,
        found.last_error_detail,
    )


def known(connection: Connection) -> list[str]:
    """Every target that something was pushed to, in the order of their ids."""
    return list(connection.scalars(select(target_state.c.target_id).order_by(target_state.c.target_id)))


def ensure_target(connection: Connection, target_id: str, stream_name: str) -> None:
    """The target's and its stream's rows exist after this."""
    upsert = upsert_sqlite if connection.dialect.name == "sqlite" else upsert_postgresql
    first = {"breaker": "closed", "failures": 0, "position": 0}
    connection.execute(upsert(target_state).values(target_id=target_id, **first).on_conflict_do_nothing())
    start = {"last_seq": 0, "last_digest": NO_DIGEST}
    connection.execute(upsert(stream).values(target_id=target_id, name=stream_name, **start).on_conflict_do_nothing())


def suspend(connection: Connection, target_id: str, code: str, detail: str | None, at: datetime) -> None:
    """Nothing goes to the target until a person resumes it; the first cause stays named."""
    connection.execute(
        update(target_state)
        .where(target_state.c.target_id == target_id, target_state.c.suspended_code.is_(None))
        .values(suspended_code=code, suspended_detail=detail, suspended_at=utc_naive(at))
    )


def resume(connection: Connection, target_id: str) -> bool:
    """Lift the suspension and close the breaker; false when there was none."""
    lifted = connection.execute(
        update(target_state)
        .where(target_state.c.target_id == target_id, target_state.c.suspended_code.is_not(None))
        .values(
            suspended_code=None, suspended_detail=None, suspended_at=None, breaker="closed", failures=0, opened_at=None
        )
    )
    return lifted.rowcount == 1


def note_success(connection: Connection, target_id: str, at: datetime) -> None:
    """The platform answered as it should."""
    current = read_target(connection, target_id).breaker
    _save(connection, target_id, current.succeeded(at), last_success_at=utc_naive(at))


def note_failure(connection: Connection, target_id: str, at: datetime, code: str, *, counts: bool) -> None:
    """A call failed; ``counts``: it speaks of the platform and moves the breaker."""
    current = read_target(connection, target_id).breaker
    moved = current.failed(at) if counts else current
    _save(connection, target_id, moved, last_error_code=code)


def _save(connection: Connection, target_id: str, breaker: Breaker, **changes: object) -> None:
    connection.execute(
        update(target_state)
        .where(target_state.c.target_id == target_id)
        .values(
            breaker=breaker.position,
            failures=breaker.failures,
            opened_at=None if breaker.opened_at is None else utc_naive(breaker.opened_at),
            **changes,
        )
    )


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else utc_aware(moment)
