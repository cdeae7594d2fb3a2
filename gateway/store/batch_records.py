"""The rows that delivery writes by the million, one a record: whose they are, and what they leave out.

A batch's number stands for its id in them, and nowhere else. The digest of a first version is the ledger's, so it isn't
written a second time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import ColumnElement, func, select, update

from gateway.crash import reach
from gateway.store.database import Store
from gateway.store.tables import batch, batch_record, counter, ledger_record

BLOCK = 16
RECORD_DIGEST: Final = func.coalesce(batch_record.c.record_digest, ledger_record.c.digest).label("record_digest")
_OURS = counter.c.name == "batch"


def numbers(store: Store) -> Iterator[int]:
    """Numbers that no other batch has or will have; one that is not used leaves a gap, which harms nobody.

    They are taken a block at a time in a transaction of its own, so that no target waits until another has sealed:
    ask for the next one while no transaction is open.
    """
    while True:
        with store.begin() as transaction:
            transaction.execute(update(counter).where(_OURS).values(value=counter.c.value + BLOCK))
            last: int = transaction.execute(select(counter.c.value).where(_OURS)).scalar_one()
        reach("seal.numbered")
        yield from range(last - BLOCK + 1, last + 1)


def records_of(batch_id: str) -> ColumnElement[bool]:
    """Of ``batch_record``: the rows of that batch."""
    number = select(batch.c.number).where(batch.c.batch_id == batch_id).scalar_subquery()
    return batch_record.c.batch_number == number
