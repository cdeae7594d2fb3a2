"""Records that the platform refused (平台退回): into quarantine, with the platform's own words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from gateway.mapping.outcome import Problem
from gateway.stages.delivery import Delivery
from gateway.store import Transaction, deliveries, outbox, pages, quarantine, utc_naive
from gateway.store.deliveries import BatchItem
from gateway.store.quarantine import Refused

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


def refuse_batch(delivery: Delivery, transaction: Transaction, batch_id: str, code: str, message: str) -> None:
    """The batch as a whole was refused or has expired: all of its records go to quarantine (delivery.md section 2)."""
    code = code[:32]
    deliveries.mark_all(transaction, batch_id, code)
    items = deliveries.coded_items(transaction, batch_id, [code])
    set_aside(delivery, transaction, batch_id, [(item, code, message) for item in items])


def _refused(place: tuple[str, int], origin: BatchItem, problems: list[Problem]) -> Refused:
    received_at = utc_naive(origin.received_at)
    return Refused(*place, origin.source_id, received_at, problems, record_key=origin.record_key)
