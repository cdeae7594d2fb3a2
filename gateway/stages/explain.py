"""Explain (追溯): one record's way, from the bytes that came, through the mapping, to batch, receipt and work order.

Everything is read, nothing written. Personal data leaves here masked unless the caller asks for it in clear, which
:func:`unmasked` audits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.domain import mask
from gateway.domain.wire import attributes
from gateway.errors import GatewayError, Rejected
from gateway.mapping.outcome import Problem
from gateway.mapping.trace import Step, masked
from gateway.stages.context import Context
from gateway.stages.mapped_page import opened
from gateway.store import Transaction, audit, lineage, order_views, pages, quarantine, utc_naive
from gateway.store.ledger import PERSONAL, personal_row
from gateway.store.lineage import Delivery, Hold, LedgerVersion, PageLine, RefusedLine, RepeatedLine

Place = tuple[str, int]  # page id, index in the page
_PLACE = re.compile(r"([0-9a-f]{32})[:/](-?[0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Origin:
    """The source record as it came, and what today's mapping makes of it. ``failure``: why it can't be read."""

    page_id: str
    page_index: int
    page: PageLine | None
    rule_version: str | None  # of the mapping as it stands now; the page knows the one it was mapped by
    steps: list[Step] = field(default_factory=list)
    failure: str | None = None
    repeated: RepeatedLine | None = None

    @property
    def same_rules(self) -> bool:
        """Is the mapping still the one that the record was mapped by?"""
        return self.page is not None and self.page.rule_version == self.rule_version


@dataclass(frozen=True, slots=True)
class VersionTrace:
    """One ledger version. ``differing``: attributes of which today's mapping says something else than was stored."""

    position: int
    kind: str
    record_key: str
    version: int
    latest: bool
    source_id: str
    origin: Place | None  # none: the gateway wrote it itself
    event_at: Any
    received_at: Any
    digest: str
    warnings: list[str]
    attributes: dict[str, Any]
    differing: list[str]
    deliveries: list[Delivery]
    holds: list[Hold]


@dataclass(frozen=True, slots=True)
class RefusedTrace:
    """A place in quarantine, with every problem."""

    page_id: str
    page_index: int
    source_id: str
    received_at: Any
    state: str
    closed_at: Any
    record_key: str | None
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class OrderTrace:
    order: order_views.OrderView
    events: list[order_views.OrderEvent]


@dataclass(frozen=True, slots=True)
class Lineage:
    """All that is known of one record and its kin."""

    asked: str
    key: str | None
    masked: bool
    versions: list[VersionTrace]
    origins: list[Origin]
    refused: list[RefusedTrace]
    orders: list[OrderTrace]


def explain(context: Context, asked: str, *, clear: bool = False) -> Lineage:
    """The way of what ``asked`` names: a key or a case number, a place (page:index), a batch's item (batch:item), or
    an order by any of its numbers. Raises ``Rejected('explain.unknown')``.
    """
    with context.store.read() as transaction:
        key, place = _resolve(context, transaction, asked)
        versions = lineage.family(transaction, key) if key else []
        refused = lineage.refused(
            transaction, list(context.sources), _keys(key, versions), [place] if place is not None else []
        )
        places = _places(versions, refused, place)
        origins = {one: _origin(context, transaction, one, clear) for one in places}
        orders = lineage.orders_of(transaction, {row.record_key for row in versions if row.kind == "evaluation"})
        found = Lineage(
            asked=asked,
            key=key,
            masked=not clear,
            versions=[_version(context, transaction, row, versions, origins, clear) for row in versions],
            origins=[origin for origin, _ in origins.values()],
            refused=[_refused(context, row, clear) for row in refused],
            orders=[_order(context, transaction, order_id) for order_id in orders],
        )
    if not found.versions and not found.refused and not any(origin.page for origin in found.origins):
        raise Rejected("explain.unknown", asked=asked)
    return found


def unmasked(context: Context, asked: str, actor: str, reason: str) -> Lineage:
    """As :func:`explain`, in clear (查看明文): who looked and why is audited before anything is shown."""
    if not reason.strip():
        raise Rejected("act.reason_missing")
    found = explain(context, asked, clear=True)
    with context.store.begin() as transaction:
        act = audit.Act(context.clock(), actor, "record.unmask", (found.key or asked)[:120], reason, "shown")
        audit.record(transaction, act)
    return found


def _resolve(context: Context, transaction: Transaction, asked: str) -> tuple[str | None, Place | None]:
    """The key and the place that ``asked`` names, as far as each is known."""
    matched = _PLACE.fullmatch(asked)
    if matched is None:
        order = None if "#" in asked else order_views.show_order(transaction, asked, utc_naive(context.clock()))
        return (order[0].evaluation_key if order else asked), None
    holder, number = matched[1], int(matched[2])
    position = lineage.batch_item(transaction, holder, number)
    row = None if position is None else lineage.at_position(transaction, position)
    if row is not None:
        return row.record_key, None
    return _key_at(context, transaction, (holder, number)), (holder, number)


def _key_at(context: Context, transaction: Transaction, place: Place) -> str | None:
    """The key of the source record at ``place``, as far as today's mapping can read it; where it numbers evaluations
    by their order, the key of the service.
    """
    item = _item(context, transaction, place)
    if item is None:
        return None
    mapping = context.mapping(item[0])
    key = mapping.key_of(item[1])
    return "#".join(key.split("#")[:2]) if key is not None and mapping.orders else key


def _keys(key: str | None, versions: Iterable[LedgerVersion]) -> set[str]:
    return {row.record_key for row in versions} | ({key} if key else set())


def _places(versions: list[LedgerVersion], refused: list[RefusedLine], place: Place | None) -> list[Place]:
    """Every source record that has a part in it, oldest first."""
    places = {(row.page_id, row.page_index) for row in versions if row.page_id and row.page_index is not None}
    places |= {(row.page_id, row.page_index) for row in refused}
    return sorted(places | ({place} if place is not None else set()))


def _origin(
    context: Context, transaction: Transaction, place: Place, clear: bool
) -> tuple[Origin, dict[tuple[str, str], Any]]:
    """The origin as it may be shown, and the values in clear by kind and attribute, to compare them."""
    page = lineage.page(transaction, place[0])
    repeated = lineage.repeated(transaction, *place)
    try:
        item = _item(context, transaction, place)
    except GatewayError as failure:
        return Origin(*place, page, None, failure=failure.code, repeated=repeated), {}
    if item is None:
        return Origin(*place, page, None, failure="lineage.no_record", repeated=repeated), {}
    mapping = context.mapping(item[0])
    steps = mapping.trace(item[1])
    values: dict[tuple[str, str], Any] = {(step.kind, step.field): step.value for step in steps}
    shown = steps if clear else [masked(step) for step in steps]
    return Origin(*place, page, mapping.version, shown, repeated=repeated), values


def _item(context: Context, transaction: Transaction, place: Place) -> tuple[str, Any] | None:
    """Source and source record at ``place``, decoded from the raw page; none when there is no such record."""
    page_id, index = place
    heads = pages.heads(transaction, [page_id])
    if not heads or index < 0:
        return None
    items = context.mapping(heads[0].source_id).decode(opened(context, heads[0]), heads[0].media_type)
    return (heads[0].source_id, items[index]) if index < len(items) else None


def _version(
    context: Context,
    transaction: Transaction,
    row: LedgerVersion,
    versions: list[LedgerVersion],
    origins: dict[Place, tuple[Origin, dict[tuple[str, str], Any]]],
    clear: bool,
) -> VersionTrace:
    personal = None
    if row.personal is not None:
        personal = context.vault.open(PERSONAL, personal_row(row.kind, row.record_key, row.version), row.personal)
    stored = attributes(row.kind, row.content, personal, origin=row.origin, service_stage=row.service_stage)
    place = None if row.page_id is None or row.page_index is None else (row.page_id, row.page_index)
    today = origins[place][1] if place is not None else {}
    by_order = {"assess_number"} if today and context.mapping(row.source_id).orders else set()
    differing = [
        name for name in sorted(stored.keys() - by_order) if today and stored[name] != today.get((row.kind, name))
    ]
    latest = max(one.version for one in versions if (one.kind, one.record_key) == (row.kind, row.record_key))
    return VersionTrace(
        position=row.position,
        kind=row.kind,
        record_key=row.record_key,
        version=row.version,
        latest=row.version == latest,
        source_id=row.source_id,
        origin=place,
        event_at=row.event_at,
        received_at=row.received_at,
        digest=row.digest.hex(),
        warnings=json.loads(row.warnings) if row.warnings else [],
        attributes=stored if clear else {name: _masked(name, value) for name, value in stored.items()},
        differing=differing,
        deliveries=lineage.deliveries(transaction, row),
        holds=lineage.holds(transaction, row.position),
    )


def _refused(context: Context, row: RefusedLine, clear: bool) -> RefusedTrace:
    sealed_for = quarantine.detail_row(row.page_id, row.page_index)
    problems = quarantine.parse_detail(context.vault.open(quarantine.DETAIL, sealed_for, row.detail))
    if not clear:
        problems = [
            problem._replace(value=None if problem.value is None else _masked(problem.field, problem.value))
            for problem in problems
        ]
    return RefusedTrace(
        *(row.page_id, row.page_index, row.source_id, row.received_at, row.state, row.closed_at, row.record_key),
        problems=problems,
    )


def _order(context: Context, transaction: Transaction, order_id: str) -> OrderTrace:
    found = order_views.show_order(transaction, order_id, utc_naive(context.clock()))
    if found is None:
        raise Rejected("explain.unknown", asked=order_id)
    return OrderTrace(*found)


def _masked(name: str, value: Any) -> Any:
    return [mask.field(name, each) for each in value] if isinstance(value, list) else mask.field(name, str(value))
