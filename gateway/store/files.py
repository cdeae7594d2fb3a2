"""The ledger of files (文件台账): every file that a source dropped and what became of it, once per version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from gateway.connector import TakenFile
from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import source_file

LANDED, REPEATED, CHANGED, REFUSED = "landed", "repeated", "changed", "refused"


@dataclass(frozen=True, slots=True)
class FileLine:
    """One line. ``outcome``: landed; repeated: its content came before; changed: its name came with another content
    before; refused: for ``refused_code``."""

    name: str
    size: int  # bytes
    digest: str  # SM3, hex; empty: refused unread
    outcome: str
    refused_code: str | None
    noted_at: datetime  # aware


def note(transaction: Connection, source_id: str, file: TakenFile | None, now: datetime) -> None:
    """Write the line of ``file`` in the transaction that lands its last page; a line that is there stays."""
    if file is None:
        return
    mark = file.mark
    held = _digest(transaction, source_id, mark)
    if held not in (None, file.digest):  # rewritten to the same size within a second
        mark = f"{mark}~{file.digest[:16]}"
        held = _digest(transaction, source_id, mark)
    if held is not None:
        return
    values = {
        "source_id": source_id,
        "mark": mark,
        "file_name": file.name,
        "file_bytes": file.size,
        "digest": file.digest,
        "outcome": REFUSED if file.refused else _outcome(transaction, source_id, file),
        "refused_code": file.refused,
        "noted_at": utc_naive(now),
    }
    transaction.execute(insert(source_file).values(values))


def known(transaction: Connection, source_id: str, mark: str) -> bool:
    """Is there a line for that version of a file?"""
    return _digest(transaction, source_id, mark) is not None


def lines(transaction: Connection, source_id: str, limit: int = 100, outcome: str | None = None) -> list[FileLine]:
    """The newest ``limit`` lines of the source, newest first; of one outcome or of all."""
    asked = select(source_file).where(source_file.c.source_id == source_id)
    if outcome is not None:
        asked = asked.where(source_file.c.outcome == outcome)
    newest = asked.order_by(source_file.c.noted_at.desc(), source_file.c.mark).limit(limit)
    return [
        FileLine(row.file_name, row.file_bytes, row.digest, row.outcome, row.refused_code, utc_aware(row.noted_at))
        for row in transaction.execute(newest)
    ]


def _digest(transaction: Connection, source_id: str, mark: str) -> str | None:
    asked = select(source_file.c.digest).where(source_file.c.source_id == source_id, source_file.c.mark == mark)
    return transaction.execute(asked).scalar()


def _outcome(transaction: Connection, source_id: str, file: TakenFile) -> str:
    before = select(source_file.c.digest).where(
        source_file.c.source_id == source_id,
        source_file.c.file_name == file.name,
        source_file.c.outcome != REFUSED,
    )
    digests = set(transaction.execute(before).scalars())
    if file.digest in digests:
        return REPEATED
    return CHANGED if digests else LANDED
