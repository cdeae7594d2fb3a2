"""Parts of the path alone, on the pages and rows that the run has stored: what each costs without its neighbours."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import orjson
from sqlalchemy import text

from bench.meter import Cost, Meter, fastest
from gateway.crypto.envelope import SealRequest, seal_batch
from gateway.domain.wire import FIRST_VERSION, wire_record
from gateway.mapping import Entries, Mapping, compile_mapping
from gateway.stages.context import Context
from gateway.stages.delivery import open_delivery
from gateway.stages.mapped_page import opened
from gateway.store import pages
from gateway.store.pages import PageHead

PART_PAGES = 40
ROUNDS = 9
Page = tuple[bytes, PageHead]


def parts(context: Context, meter: Meter, source_id: str) -> dict[str, Cost]:
    """What parsing some of the source's pages costs, what mapping costs beyond that, and sealing their records.

    Page by page, as normalising does, so that no more than a page's records are in the caches; see :func:`fastest`.
    """
    with context.store.read() as transaction:
        asked = text("SELECT page_id FROM raw_page ORDER BY page_id LIMIT :some")
        heads = pages.heads(transaction, list(transaction.execute(asked, {"some": PART_PAGES}).scalars()))
    bodies = [(opened(context, head), head) for head in heads]
    mapping = context.mapping(source_id)
    checking = compile_mapping(context.source(source_id), context.masters, writes=False)

    def entries(by: Mapping, page: Page) -> list[Entries]:
        body, head = page
        return by.page(by.decode(body, head.media_type), head.received_at)

    said = [one for page in bodies for one in entries(mapping, page)]
    deque((entries(checking, page) for page in bodies), 0)  # memories are warm from here on
    works: tuple[Callable[[Page], object], ...] = (
        lambda page: orjson.loads(page[0]),
        lambda page: entries(checking, page),
        lambda page: entries(mapping, page),
    )
    taken = (Cost(client=seconds) for seconds in fastest(bodies, *works, runs=ROUNDS))
    costs = dict(zip(("orjson", "map", "entries"), taken, strict=True))
    records = [
        wire_record(entry.kind, entry.key, FIRST_VERSION, entry.content, entry.personal)
        for one in said
        for entry in one.entries
    ]
    with meter.measure() as costs["seal"]:
        _seal(context, records)
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
