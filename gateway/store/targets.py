"""Receiving platforms: suspension with its cause, the persisted breaker, maintenance, the watermark over the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as upsert_postgresql
from sqlalchemy.dialects.sqlite import insert as upsert_sqlite

from gateway.domain.breaker import Breaker, Position
from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import stream, target_state

NO_DIGEST = "0" * 64
_READ = select(target_state).where(target_state.c.target_id == bindparam("of_target"))  # read many times a batch


class Maintenance(NamedTuple):
    """A window (维护窗口) in which nothing is sent: from ``start`` until before ``end``, both aware."""

    start: datetime
    end: datetime
    reason: str


class TargetRow(NamedTuple):
    """One target as stored. ``position``: ledger positions up to here are in a batch or held.

    ``failing_since``: when the breaker opened first; ``refusals``: batches refused for good since the last success.
    """

    target_id: str
    suspended_code: str | None
    suspended_detail: str | None
    suspended_at: datetime | None
    breaker: Breaker
    position: int
    last_success_at: datetime | None
    last_error_code: str | None
    last_error_detail: str | None
    failing_since: datetime | None = None
    refusals: int = 0
    maintenance: Maintenance | None = None

    def in_maintenance(self, now: datetime) -> bool:
        """Whether ``now`` lies in its window."""
        return self.maintenance is not None and self.maintenance.start <= now < self.maintenance.end

    def admits(self, now: datetime) -> bool:
        """Whether it may be called at ``now``."""
        return self.suspended_code is None and not self.in_maintenance(now) and self.breaker.admits(now)


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
        _aware(found.failing_since),
        found.refusals,
        _maintenance(found),
    )


def known(connection: Connection) -> list[str]:
    """Ids of the targets that something was ever noted of."""
    return list(connection.execute(select(target_state.c.target_id).order_by(target_state.c.target_id)).scalars())


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
            suspended_code=None,
            suspended_detail=None,
            suspended_at=None,
            breaker="closed",
            failures=0,
            opened_at=None,
            failing_since=None,
            refusals=0,
        )
    )
    return lifted.rowcount == 1


def note_success(connection: Connection, target_id: str, at: datetime) -> None:
    """The platform answered as it should: what it refused before was no fault of the whole."""
    breaker = read_target(connection, target_id).breaker.succeeded(at)
    changes: dict[str, object] = {"failing_since": None} if breaker.position == "closed" else {}
    _save(connection, target_id, breaker, last_success_at=utc_naive(at), refusals=0, **changes)


def note_refusal(connection: Connection, target_id: str) -> int:
    """A batch was refused for good; how many in a row that makes."""
    connection.execute(
        update(target_state).where(target_state.c.target_id == target_id).values(refusals=target_state.c.refusals + 1)
    )
    return read_target(connection, target_id).refusals


def plan_maintenance(connection: Connection, target_id: str, window: Maintenance | None) -> None:
    """The target's next or present window; none: there is none any more."""
    connection.execute(
        update(target_state)
        .where(target_state.c.target_id == target_id)
        .values(
            maintenance_from=None if window is None else utc_naive(window.start),
            maintenance_until=None if window is None else utc_naive(window.end),
            maintenance_reason=None if window is None else window.reason,
        )
    )


def note_failure(connection: Connection, target_id: str, at: datetime, code: str, *, counts: bool) -> None:
    """A call failed; ``counts``: it speaks of the platform and moves the breaker."""
    current = read_target(connection, target_id)
    moved = current.breaker.failed(at) if counts else current.breaker
    changes: dict[str, object] = {}
    if moved.position == "open" and current.failing_since is None:
        changes = {"failing_since": utc_naive(at)}
    _save(connection, target_id, moved, last_error_code=code, **changes)


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


def _maintenance(found: Any) -> Maintenance | None:
    if found.maintenance_from is None:
        return None
    window = utc_aware(found.maintenance_from), utc_aware(found.maintenance_until)
    return Maintenance(*window, found.maintenance_reason or "")


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else utc_aware(moment)
