"""Acts that one person asked for and another confirms (双人复核): the batches are frozen when they are asked for."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import approval


class Approval(NamedTuple):
    """One act that waits. ``details``: what it needs besides its batches. ``asked_at`` is aware."""

    approval_id: str
    act: str
    batch_ids: list[str]
    details: dict[str, Any]
    reason: str
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    done: bool


def ask(
    connection: Connection,
    act: str,
    batch_ids: Sequence[str],
    details: dict[str, Any],
    reason: str,
    actor: str,
    at: datetime,
) -> str:
    """Freeze an act until a second person confirms it; its id."""
    approval_id = secrets.token_hex(8)
    connection.execute(
        insert(approval).values(
            approval_id=approval_id,
            act=act,
            details=json.dumps({"batches": list(batch_ids), **details}),
            batches=len(batch_ids),
            reason=reason,
            asked_by=actor,
            asked_at=utc_naive(at),
        )
    )
    return approval_id


def find(connection: Connection, approval_id: str) -> Approval | None:
    row = connection.execute(select(approval).where(approval.c.approval_id == approval_id).with_for_update()).first()
    return None if row is None else _approval(row)


def waiting(connection: Connection) -> list[Approval]:
    """Those not done yet, oldest first."""
    asked = select(approval).where(approval.c.done_at.is_(None)).order_by(approval.c.asked_at)
    return [_approval(row) for row in connection.execute(asked)]


def decide(connection: Connection, approval_id: str, actor: str, at: datetime) -> None:
    """A second person has confirmed it; the caller holds its row."""
    connection.execute(
        update(approval)
        .where(approval.c.approval_id == approval_id, approval.c.decided_by.is_(None))
        .values(decided_by=actor, decided_at=utc_naive(at))
    )


def finish(connection: Connection, approval_id: str, at: datetime) -> None:
    """Every batch of it has its outcome."""
    connection.execute(update(approval).where(approval.c.approval_id == approval_id).values(done_at=utc_naive(at)))


def _approval(row: Any) -> Approval:
    details = json.loads(row.details)
    return Approval(
        row.approval_id,
        row.act,
        details.pop("batches"),
        details,
        row.reason,
        row.asked_by,
        utc_aware(row.asked_at),
        row.decided_by,
        row.done_at is not None,
    )
