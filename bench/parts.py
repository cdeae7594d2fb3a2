"""Parts of the path alone, on the pages and rows that the run has stored: what each costs without its neighbours."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import text

from bench.meter import Cost, Meter
from gateway.crypto.envelope import SealRequest, seal_batch
from gateway.domain.wire import FIRST_VERSION, wire_record
from gateway.stages.context import Context
from gateway.stages.delivery import open_delivery
from gateway.stages.mapped_page import opened
from gateway.store import pages

PART_PAGES = 40


def parts(context: Context, meter: Meter, source_id: str) -> dict[str, Cost]:
    """Costs of parsing, mapping and digesting some of the source's pages, and of sealing their records in batches."""
    with context.store.read() as transaction:
        asked = text("SELECT page_id FROM raw_page ORDER BY page_id LIMIT :some")
        heads = pages.heads(transaction, list(transaction.execute(asked, {"some": PART_PAGES}).scalars()))
    bodies = [opened(context, head) for head in heads]
    mapping, received_at = context.mapping(source_id), heads[0].received_at
    costs: dict[str, Cost] = {}

    def part(name: str, act: Callable[[], Any]) -> Any:
        with meter.measure() as costs[name]:
            return act()

    part("orjson", lambda: [None for body in bodies if orjson.loads(body) is None])
    items = [item for head, body in zip(heads, bodies, strict=True) for item in mapping.decode(body, head.media_type)]
    mapped = part("map", lambda: [mapping.entries(item, received_at) for item in items])
    records = [
        wire_record(entry.kind, entry.key, FIRST_VERSION, entry.content.encode(), entry.personal)
        for said in mapped
        for entry in said.entries
    ]
    part("seal", lambda: _seal(context, records))
    for cost in costs.values():
        cost.records = len(items)
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
