"""What may be sealed now (可报): a part of a divided batch, alone; else what is new, then what was held until now."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.stages.accepting import not_taken
from gateway.stages.delivery import Delivery
from gateway.store import Transaction, bundles, outbox, targets
from gateway.store.outbox import Candidate

PORTION = 5_000  # records: of the largest batch, only so many are in memory beside their wire form


class AtHand:
    """Portions of records, gone through once and for as long as the batch has room; then it says what it came upon."""

    def __init__(self, delivery: Delivery, transaction: Transaction) -> None:
        self.bundle = bundles.first(transaction, delivery.target.target)
        self.last: int | None = None  # position of the last new record, whether the target takes it or not
        self.not_taken: dict[int, str] = {}  # new ones that the target takes only if a person says so, with the reason
        self.freed: list[int] = []  # positions of those that were held, or stood in the bundle
        self._delivery, self._transaction = delivery, transaction

    def __iter__(self) -> Iterator[list[Candidate]]:
        if self.bundle is not None:
            yield self._free(self.bundle.records)
            return
        target = self._delivery.target
        room = target.batch_records
        for found in self._found(targets.read_target(self._transaction, target.target).position):
            fresh = found
            if self._delivery.profile is not None:
                fresh = [each for each in found if self._delivery.takes(each.kind)]
            room -= len(fresh)
            if refused := not_taken(self._delivery, fresh):
                self.not_taken |= refused
                fresh = [each for each in fresh if each.position not in refused]
            yield fresh
        if room:
            yield self._free(outbox.releasable(self._transaction, target.target, room, self._delivery.now()))

    def _found(self, position: int) -> Iterator[list[Candidate]]:
        """What is in the ledger behind the watermark."""
        wanted = self._delivery.target.batch_records
        while wanted:
            asked = min(wanted, PORTION)
            found = outbox.fresh(self._transaction, position, asked)
            if found:
                self.last = position = found[-1].position
                yield found
            wanted = wanted - asked if len(found) == asked else 0

    def _free(self, records: list[Candidate]) -> list[Candidate]:
        self.freed = [each.position for each in records]
        return records
