"""The rows that delivery writes by the million, one a record: whose they are, and what they leave out.

A batch's number stands for its id in them, and nowhere else. The digest of a first version is the ledger's, so it isn't
written a second time.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, func, select, update

from gateway.crash import reach
from gateway.store.database import Store
from gateway.store.tables import batch, batch_record, counter, ledger_record

RECORD_DIGEST: Final = func.coalesce(batch_record.c.record_digest, ledger_record.c.digest).label("record_digest")
_NEXT = update(counter).where(counter.c.name == "batch").values(value=counter.c.value + 1).returning(counter.c.value)


def new_number(store: Store) -> int:
    """A number that no other batch has or will have; one that is not used leaves a gap, which harms nobody.

    It is taken in a transaction of its own, so that no target waits until another has sealed: not within another one.
    """
    with store.begin() as transaction:
        number: int = transaction.execute(_NEXT).scalar_one()
    reach("seal.numbered")
    return number


def records_of(batch_id: str) -> ColumnElement[bool]:
    """Of ``batch_record``: the rows of that batch."""
    number = select(batch.c.number).where(batch.c.batch_id == batch_id).scalar_subquery()
    return batch_record.c.batch_number == number
