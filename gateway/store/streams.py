"""The end of a sequence, and when it was last compared with the platform's."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import stream


def compared_at(connection: Connection, target_id: str, name: str) -> datetime | None:
    """When :func:`compared` was last said, aware."""
    asked = select(stream.c.checked_at).where(stream.c.target_id == target_id, stream.c.name == name)
    found = connection.execute(asked).scalar()
    return None if found is None else utc_aware(found)


def compared(connection: Connection, target_id: str, name: str, at: datetime) -> None:
    _change(connection, target_id, name, checked_at=utc_naive(at))


def move_end(connection: Connection, target_id: str, name: str, seq: int, digest: str) -> None:
    """The next batch takes ``seq + 1`` and names ``digest``; the caller holds the row."""
    _change(connection, target_id, name, last_seq=seq, last_digest=digest)


def last_seq(connection: Connection, target_id: str, name: str) -> int:
    """The last number given out; 0 before the first."""
    asked = select(stream.c.last_seq).where(stream.c.target_id == target_id, stream.c.name == name)
    return int(connection.execute(asked).scalar() or 0)


def _change(connection: Connection, target_id: str, name: str, **values: object) -> None:
    connection.execute(update(stream).where(stream.c.target_id == target_id, stream.c.name == name).values(**values))
