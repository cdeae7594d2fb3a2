"""Comparisons with a platform (对账) as people look at them: a line for each kind of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from gateway.store.database import utc_aware
from gateway.store.tables import reconciliation, reconciliation_item


@dataclass(frozen=True, slots=True)
class ReconciliationLine:
    """One kind of one business date as last compared."""

    business_date: str
    kind: str
    our_count: int
    their_count: int
    equal: bool
    expected: int
    missing_there: int
    missing_here: int
    differing: int
    checked_at: datetime


def list_reconciliations(connection: Connection, target_id: str, limit: int = 90) -> list[ReconciliationLine]:
    """The last comparisons, newest date first."""
    item = reconciliation_item
    differences = {
        (row.business_date, row.kind, row.difference): row.number
        for row in connection.execute(
            select(item.c.business_date, item.c.kind, item.c.difference, func.count().label("number"))
            .where(item.c.target_id == target_id)
            .group_by(item.c.business_date, item.c.kind, item.c.difference)
        )
    }
    found = connection.execute(
        select(reconciliation)
        .where(reconciliation.c.target_id == target_id)
        .order_by(reconciliation.c.business_date.desc(), reconciliation.c.kind)
        .limit(limit)
    )
    return [
        ReconciliationLine(
            business_date=row.business_date,
            kind=row.kind,
            our_count=row.our_count,
            their_count=row.their_count,
            equal=bool(row.equal),
            expected=row.expected,
            missing_there=differences.get((row.business_date, row.kind, "missing_there"), 0),
            missing_here=differences.get((row.business_date, row.kind, "missing_here"), 0),
            differing=differences.get((row.business_date, row.kind, "differing"), 0),
            checked_at=utc_aware(row.checked_at),
        )
        for row in found
    ]
