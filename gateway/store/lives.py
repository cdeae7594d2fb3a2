"""Where a source stands on its way in (接入): its life, its last dry run, the days of its shadow run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Table, delete, insert, select, update

from gateway.domain.life import Life
from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import dry_run, shadow_day, source_life
from schemas.source import SourceFile


class Lived(NamedTuple):
    """A source's life; moments aware."""

    life: Life
    before: Life | None = None
    since: datetime | None = None
    shadow_since: datetime | None = None


class DryRun(NamedTuple):
    """What the last dry run found."""

    rule_version: str
    landed: int
    quarantined: int
    ran_at: datetime  # aware


class ShadowDay(NamedTuple):
    """One local day of a shadow run; landed = stored + quarantined + duplicate, of what was received on it."""

    day: str
    pages: int = 0
    landed: int = 0
    stored: int = 0
    quarantined: int = 0
    duplicate: int = 0
    evaluations: int = 0  # given on the day
    told: int | None = None  # by the county's own count
    rule_version: str | None = None
    compared_at: datetime | None = None  # aware

    @property
    def agrees(self) -> bool | None:
        """Do both counts say the same? None: nobody told theirs."""
        return None if self.told is None else self.told == self.evaluations


def lives(transaction: Connection) -> dict[str, Lived]:
    """Of every source that a person has ever moved."""
    rows = transaction.execute(select(source_life)).mappings()
    return {
        row["source_id"]: Lived(
            Life(row["life"]),
            Life(row["before"]) if row["before"] else None,
            utc_aware(row["since"]),
            utc_aware(row["shadow_since"]) if row["shadow_since"] else None,
        )
        for row in rows
    }


def of_sources(transaction: Connection, files: Mapping[str, SourceFile]) -> dict[str, Lived]:
    """Of every configured source; one that nobody has moved is a draft if its file is gated, else live."""
    moved = lives(transaction)
    unmoved = {True: Lived(Life.DRAFT), False: Lived(Life.LIVE)}
    return {name: moved.get(name) or unmoved[source.gated] for name, source in files.items()}


def move(transaction: Connection, source_id: str, now: Lived) -> None:
    """Write the source's new life. ``now.since`` is given."""
    if now.since is None:
        raise ValueError("a life begins at a moment")
    values = {
        "life": now.life.value,
        "before": now.before.value if now.before else None,
        "since": utc_naive(now.since),
        "shadow_since": utc_naive(now.shadow_since) if now.shadow_since else None,
    }
    _replace(transaction, source_life, {"source_id": source_id}, values)


def note_dry_run(transaction: Connection, source_id: str, ran: DryRun) -> None:
    values = ran._asdict() | {"ran_at": utc_naive(ran.ran_at)}
    _replace(transaction, dry_run, {"source_id": source_id}, values)


def last_dry_run(transaction: Connection, source_id: str) -> DryRun | None:
    columns = [dry_run.c[name] for name in DryRun._fields]
    row = transaction.execute(select(*columns).where(dry_run.c.source_id == source_id)).first()
    return None if row is None else DryRun(row[0], row[1], row[2], utc_aware(row[3]))


def shadow_days(transaction: Connection, source_id: str) -> list[ShadowDay]:
    """Oldest first."""
    columns = [shadow_day.c[name] for name in ShadowDay._fields]
    asked = select(*columns).where(shadow_day.c.source_id == source_id).order_by(shadow_day.c.day)
    rows = transaction.execute(asked).mappings()
    return [
        ShadowDay(**{**row, "compared_at": utc_aware(row["compared_at"]) if row["compared_at"] else None})
        for row in rows
    ]


def compared(transaction: Connection, source_id: str, days: Sequence[ShadowDay]) -> None:
    """Replace our counts by ``days``; what the county told stays."""
    told = {line.day: line.told for line in shadow_days(transaction, source_id) if line.told is not None}
    transaction.execute(delete(shadow_day).where(shadow_day.c.source_id == source_id))
    counted = {line.day: line for line in days}
    for day in sorted({*told, *counted}):
        line = counted.get(day, ShadowDay(day))._replace(told=told.get(day))
        moment = utc_naive(line.compared_at) if line.compared_at else None
        values = line._asdict() | {"source_id": source_id, "compared_at": moment}
        transaction.execute(insert(shadow_day).values(values))


def tell(transaction: Connection, source_id: str, day: str, count: int) -> None:
    """Note the county's own count of evaluations given on ``day``."""
    _replace(transaction, shadow_day, {"source_id": source_id, "day": day}, {"told": count})


def _replace(transaction: Connection, table: Table, key: Mapping[str, str], values: Mapping[str, object]) -> None:
    """A portable upsert: these rows are written by people, one at a time."""
    changed = update(table).values(values)
    for name, value in key.items():
        changed = changed.where(table.c[name] == value)
    if transaction.execute(changed).rowcount == 0:
        transaction.execute(insert(table).values({**key, **values}))
