"""What a person did, to what, and why (操作审计)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import audit_event


class Act(NamedTuple):
    """One audited act; ``happened_at`` aware."""

    happened_at: datetime
    actor: str
    act: str
    object_id: str
    reason: str | None
    outcome: str


def record(transaction: Connection, act: Act) -> str:
    """Note ``act`` in the transaction of its effect; its id."""
    event_id = secrets.token_hex(16)
    values = act._asdict() | {"event_id": event_id, "happened_at": utc_naive(act.happened_at)}
    transaction.execute(insert(audit_event).values(values))
    return event_id


def recent(transaction: Connection, limit: int = 100) -> Sequence[Act]:
    """The latest acts, newest first."""
    columns = [audit_event.c[name] for name in Act._fields]
    asked = select(*columns).order_by(audit_event.c.happened_at.desc(), audit_event.c.event_id).limit(limit)
    return [Act(utc_aware(row[0]), *row[1:]) for row in transaction.execute(asked)]


def of_object(transaction: Connection, object_id: str, act: str | None = None, limit: int = 100) -> list[Act]:
    """The latest acts on one object, newest first; of one kind, or of all."""
    columns = [audit_event.c[name] for name in Act._fields]
    asked = select(*columns).where(audit_event.c.object_id == object_id)
    if act is not None:
        asked = asked.where(audit_event.c.act == act)
    found = transaction.execute(asked.order_by(audit_event.c.happened_at.desc(), audit_event.c.event_id).limit(limit))
    return [Act(utc_aware(row[0]), *row[1:]) for row in found]
