"""What the platform refused (平台退回): a record goes to quarantine with the platform's own words; a batch refused
whole is halved until the offending record is alone (二分), so that its neighbours arrive."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime

from gateway.errors import Rejected
from gateway.mapping.outcome import Problem
from gateway.messages import keep
from gateway.stages.delivery import Delivery
from gateway.stages.voids import owe_void
from gateway.store import Transaction, bundles, deliveries, outbox, pages, quarantine, targets, utc_naive
from gateway.store.batches import BatchRow
from gateway.store.deliveries import BatchItem
from gateway.store.quarantine import Refused

HALVES = 2
EXPIRED = "batch.expired"
REFUSALS_IN_A_ROW = 32  # without a success in between: it isn't one record, so a person looks before more is sent
REFUSES_ALL = "target.refuses_all"
Words = tuple[BatchItem, str, str]  # a record, the platform's code for it, the platform's message


def set_aside(delivery: Delivery, transaction: Transaction, batch_id: str, words: Iterable[Words]) -> None:
    """Quarantine the source records behind ``words``; records that the gateway wrote itself are held for a person."""
    problems: dict[tuple[str, int], list[Problem]] = defaultdict(list)
    origins: dict[tuple[str, int], BatchItem] = {}
    for item, code, message in words:
        if item.page_id is None or item.page_index is None:
            outbox.hold(transaction, delivery.target.target, [item.position], code, delivery.now())
            continue
        place = (item.page_id, item.page_index)
        origins[place] = item
        path = f"{delivery.target.target}/{batch_id}/{item.item}"
        problems[place].append(Problem(code, "E", item.kind, path, message, ""))
    vault = delivery.context.vault
    known = deliveries.quarantined(transaction, problems.keys())
    for place, earlier in known.items():
        plain = vault.open(quarantine.DETAIL, quarantine.detail_row(*place), earlier.detail)
        both = [*quarantine.parse_detail(plain), *problems.pop(place)]
        deliveries.reopen(transaction, _refused(place, origins[place], both), vault.seal)
    new = [_refused(place, origins[place], found) for place, found in problems.items()]
    quarantine.add(transaction, new, vault.seal)
    newly = Counter(page_id for page_id, _ in problems)
    newly.update(page_id for (page_id, _), earlier in known.items() if not earlier.is_open)
    for page_id, records in newly.items():  # what was stored counts as quarantined until it is let out again
        pages.recount(transaction, page_id, 0, -records, 0, records, 0)


def refuse_batch(delivery: Delivery, transaction: Transaction, row: BatchRow, code: str, message: str) -> None:
    """The batch was refused whole for its content: halve it, or set its only record aside with the platform's words.

    Its number of the sequence stays empty; the platform is told so. Called before the target's row is touched.
    """
    owe_void(delivery, transaction, row, code)
    if row.record_count > 1:
        divide(transaction, row, HALVES, delivery.now())
    else:
        _set_all_aside(delivery, transaction, row, code, message)
    if targets.note_refusal(transaction, row.target_id) >= REFUSALS_IN_A_ROW:
        targets.suspend(transaction, row.target_id, REFUSES_ALL, keep(Rejected(REFUSES_ALL, code=code)), delivery.now())


def expire_batch(delivery: Delivery, transaction: Transaction, row: BatchRow) -> None:
    """The batch has expired unsent: its records wait in quarantine for a person (delivery.md section 2, row 26)."""
    owe_void(delivery, transaction, row, EXPIRED)
    _set_all_aside(delivery, transaction, row, EXPIRED, "")


def divide(transaction: Transaction, row: BatchRow, parts: int, at: datetime) -> int:
    """The batch's records go again in up to ``parts`` batches of their own; how many."""
    positions = deliveries.positions(transaction, row.batch_id)
    deliveries.mark_all(transaction, row.batch_id, bundles.SPLIT)
    return bundles.divide(transaction, row.target_id, row.batch_id, positions, parts, at)


def _set_all_aside(delivery: Delivery, transaction: Transaction, row: BatchRow, code: str, message: str) -> None:
    code = code[:32]
    deliveries.mark_all(transaction, row.batch_id, code)
    items = deliveries.coded_items(transaction, row.batch_id, [code])
    set_aside(delivery, transaction, row.batch_id, [(item, code, message) for item in items])


def _refused(place: tuple[str, int], origin: BatchItem, problems: list[Problem]) -> Refused:
    received_at = utc_naive(origin.received_at)
    return Refused(*place, origin.source_id, received_at, problems, record_key=origin.record_key)
