"""Parts of the path alone, on the pages and rows that the run has stored: what each costs without its neighbours."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import text

from bench.meter import Cost, Meter
from gateway.crypto.envelope import SealRequest, seal_batch
from gateway.domain.wire import FIRST_VERSION, wire_record
from gateway.mapping import Entries, Mapping, compile_mapping
from gateway.stages.context import Context
from gateway.stages.delivery import open_delivery
from gateway.stages.mapped_page import opened
from gateway.store import pages

PART_PAGES = 40
ROUNDS = 5  # the machine's speed moves: each part is taken as often, in turns with the others


def parts(context: Context, meter: Meter, source_id: str) -> dict[str, Cost]:
    """What parsing some of the source's pages costs, what mapping costs beyond that, and sealing their records.

    Page by page, as normalising does, so that no more than a page's records are in the caches.
    """
    with context.store.read() as transaction:
        asked = text("SELECT page_id FROM raw_page ORDER BY page_id LIMIT :some")
        heads = pages.heads(transaction, list(transaction.execute(asked, {"some": PART_PAGES}).scalars()))
    bodies = [(opened(context, head), head) for head in heads]
    mapping = context.mapping(source_id)
    checking = compile_mapping(context.source(source_id), context.masters, writes=False)

    def parse() -> None:
        for body, _ in bodies:
            orjson.loads(body)

    def mapped(by: Mapping) -> Iterator[list[Entries]]:
        for body, head in bodies:
            yield [by.entries(item, head.received_at) for item in by.decode(body, head.media_type)]

    said = [one for page in mapped(mapping) for one in page]
    deque(mapped(checking), 0)  # memories are warm from here on
    records = [
        wire_record(entry.kind, entry.key, FIRST_VERSION, entry.content.encode(), entry.personal)
        for one in said
        for entry in one.entries
    ]
    works: dict[str, Callable[[], Any]] = {
        "orjson": parse,
        "map": lambda: deque(mapped(checking), 0),
        "entries": lambda: deque(mapped(mapping), 0),
        "seal": lambda: _seal(context, records),
    }
    taken: dict[str, list[Cost]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            with meter.measure() as cost:
                work()
            taken[name].append(cost)
    costs = {name: sorted(of_one, key=lambda cost: cost.client)[ROUNDS // 2] for name, of_one in taken.items()}
    for cost in costs.values():
        cost.records = len(said)
    return costs


def _seal(context: Context, records: list[bytes]) -> None:
    with open_delivery(context, "national") as delivery:
        for chunk in _chunks(records, delivery.target.batch_records):
            created = datetime.now(UTC).replace(microsecond=0)
            request = SealRequest(
                suite=delivery.target.suite,
                sender=context.settings.sender,
                recipient=delivery.target.recipient,
                batch_id=uuid.uuid4().hex,
                stream=delivery.target.stream,
                seq=1,
                prev_digest="0" * 64,
                created=created,
                expires=created + timedelta(days=1),
            )
            seal_batch(request, chunk, delivery.sender_keys)


def _chunks(records: list[bytes], size: int) -> Iterator[list[bytes]]:
    for start in range(0, len(records), size):
        yield records[start : start + size]
