"""The delivery's invariants as questions to the database and to the platform's own books; each answer must be empty."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import Any, Protocol

from gateway.domain.batch import STAGES, TABLE, BatchEvent, BatchState
from tests.deployment import Deployment


class Books(Protocol):
    """Our database, and what the platform's own books say of every batch id that it was ever sent."""

    def rows(self, query: str) -> list[tuple[Any, ...]]: ...

    def batches_there(self) -> list[dict[str, Any]]: ...


UNBALANCED = """
    SELECT page_id FROM raw_page WHERE landed <> stored + quarantined + duplicate
    OR stored <> (SELECT COUNT(DISTINCT l.page_index) FROM ledger_record l WHERE l.page_id = raw_page.page_id
        AND NOT EXISTS (SELECT 1 FROM quarantine k WHERE k.page_id = l.page_id AND k.page_index = l.page_index
            AND k.state = 'open'))
    OR duplicate <> (SELECT COUNT(*) FROM duplicate d WHERE d.page_id = raw_page.page_id)
    OR quarantined <> (SELECT COUNT(*) FROM quarantine q WHERE q.page_id = raw_page.page_id AND q.state = 'open')
"""
ANOTHER_BODY = """
    SELECT a.batch_id FROM batch_attempt a JOIN batch b ON b.batch_id = a.batch_id
    WHERE a.request_digest <> b.body_digest
"""
WITHOUT_RECEIPT = """
    SELECT batch_id FROM batch b WHERE state IN ('ACKNOWLEDGED', 'PARTIALLY_ACCEPTED', 'RECONCILED')
    AND (accepted + duplicates + rejected <> record_count
    OR NOT EXISTS (SELECT 1 FROM receipt r WHERE r.batch_id = b.batch_id AND r.valid = 1))
"""
IN_TWO_BATCHES = """
    SELECT r.position FROM batch_record r JOIN batch b ON b.number = r.batch_number
    WHERE b.state <> 'CANCELLED' AND (r.code IS NULL OR r.code NOT IN ('parent.missing', 'split'))
    GROUP BY r.position HAVING COUNT(*) > 1
"""
NO_CURSOR = """
    SELECT source_id, cursor_version FROM source_state s WHERE source_id NOT LIKE 'track:%'
    AND cursor_version + (SELECT COALESCE(SUM(w.pages), 0) FROM pull_window w WHERE w.source_id = s.source_id)
    < (SELECT COUNT(*) FROM raw_page p WHERE p.source_id = s.source_id)
"""
IN_NO_BATCH = """
    SELECT position FROM ledger_record l WHERE NOT EXISTS (SELECT 1 FROM batch_record r WHERE r.position = l.position)
"""


def violations(town: Deployment) -> dict[str, list[Any]]:
    """What is broken once all is quiet, by the invariant's name; nothing when all hold."""
    left = {"nothing left": town.rows(IN_NO_BATCH)}
    return violations_at_any_moment(town) | {name: broken for name, broken in left.items() if broken}


def violations_at_any_moment(town: Deployment) -> dict[str, list[Any]]:
    """What is broken and never may be, also not while the gateway lies killed in the middle of its work."""
    found = {
        "accounting": town.rows(UNBALANCED),
        "page without its cursor": town.rows(NO_CURSOR),  # a page read again after a kill moves the cursor alone
        "positions": _gaps(town, "SELECT position FROM ledger_record ORDER BY position"),
        "sequence": _gaps(town, "SELECT seq FROM batch ORDER BY seq"),
        "order history": _order_histories(town),
    }
    return delivery_violations(town) | {name: broken for name, broken in found.items() if broken}


def delivery_violations(books: Books) -> dict[str, list[Any]]:
    """What is broken of the invariants of delivery, at whatever moment."""
    there = books.batches_there()
    found = {
        "I1 history": _histories(books),
        "I2 one body": [*books.rows(ANOTHER_BODY), *_bodies(books, there)],
        "I3 receipt": books.rows(WITHOUT_RECEIPT),
        "I10 one batch": books.rows(IN_TWO_BATCHES),
        "leaving is noted": _unnoted(books, there),
    }
    return {name: broken for name, broken in found.items() if broken}


def _histories(town: Books) -> list[Any]:
    """Replaying a batch's events gives its state, by steps that the table knows; its rank never falls (I4)."""
    broken: list[Any] = []
    states = dict(town.rows("SELECT batch_id, state FROM batch"))
    query = "SELECT batch_id, seq, event, from_state, to_state FROM batch_event ORDER BY batch_id, seq"
    for batch_id, group in groupby(town.rows(query), key=lambda row: row[0]):
        at: str | None = None
        for number, (_, seq, event, before, after) in enumerate(group, start=1):
            step = (None if before is None else BatchState(before), BatchEvent(event))
            falls = before is not None and STAGES[BatchState(after)].rank < STAGES[BatchState(before)].rank
            if seq != number or before != at or TABLE.get(step) != after or falls:
                broken.append((batch_id, seq, event, before, after))
            at = after
        if at != states.pop(batch_id):
            broken.append((batch_id, at))
    return broken + list(states)


def _bodies(town: Books, there: list[dict[str, Any]]) -> list[Any]:
    """The platform saw each batch id with one body, ours."""
    ours = dict(town.rows("SELECT batch_id, body_digest FROM batch"))
    theirs = {batch["batchId"]: list(batch["digests"]) for batch in there}
    return [batch_id for batch_id, digests in theirs.items() if digests != [ours.get(batch_id)]]


def _unnoted(town: Books, there: list[dict[str, Any]]) -> list[Any]:
    """Every request that reached the platform had been written down before its first byte left."""
    begun = "SELECT batch_id, COUNT(*) FROM batch_attempt WHERE send_started_at IS NOT NULL GROUP BY 1"
    noted = dict(town.rows(begun))
    return [batch for batch in there if batch["requests"] > noted.get(batch["batchId"], 0)]


def _order_histories(town: Deployment) -> list[Any]:
    broken: list[Any] = []
    states = dict(town.rows("SELECT order_id, state FROM work_order"))
    query = "SELECT order_id, seq, from_state, to_state FROM work_order_event ORDER BY order_id, seq"
    for order_id, group in groupby(town.rows(query), key=lambda row: row[0]):
        at: str | None = None
        for number, (_, seq, before, after) in enumerate(group, start=1):
            if seq != number or before != at:
                broken.append((order_id, seq, before, after))
            at = after
        if at != states.pop(order_id):
            broken.append((order_id, at))
    return broken + list(states)


def _gaps(town: Deployment, query: str) -> list[Any]:
    numbers = [0, *(int(row[0]) for row in town.rows(query))]
    return [pair for pair in pairwise(numbers) if pair[1] != pair[0] + 1]
