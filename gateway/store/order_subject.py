"""What a work order is about: the newest ledger rows of its evaluation and of the service that was rated."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from gateway.store.ledger import personal_row
from gateway.store.tables import ledger_record


@dataclass(frozen=True, slots=True)
class Subject:
    """One ledger row as stored: ``content`` JSON, ``personal`` sealed by the vault for ``row_id``."""

    kind: str
    row_id: str
    content: str = field(repr=False)
    personal: bytes | None = field(repr=False)


def subjects(transaction: Connection, evaluation_key: str) -> list[Subject]:
    """The evaluation, then its service if it is held; empty if the ledger doesn't know the evaluation."""
    held = ledger_record.c
    found: list[Subject] = []
    kind, key = "evaluation", evaluation_key
    while key:
        row = transaction.execute(
            select(held.version, held.content, held.personal, held.parent_key)
            .where(held.kind == kind, held.record_key == key)
            .order_by(held.version.desc())
            .limit(1)
        ).first()
        if row is None:
            break
        found.append(Subject(kind, personal_row(kind, key, row.version), row.content, row.personal))
        if kind == "service":
            break
        kind, key = "service", row.parent_key
    return found
