"""What one source sent in a period, counted and read for its conformance report; portable SQL.

A period is ``[since, until)`` by the moment of receipt, naive UTC. A record counts in its latest version that was
received before ``until``; versions that it supersedes are counted apart. Everything that grows with the number of
records is either aggregated here or read as a stream.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, case, func, select

from gateway.domain.batch import RECEIPTED, BatchState
from gateway.store import quarantine as quarantined
from gateway.store.effectiveness import not_effective
from gateway.store.observations import WITHDRAWN
from gateway.store.tables import (
    batch,
    batch_record,
    duplicate,
    ledger_record,
    quarantine,
    quarantine_problem,
    raw_page,
    reconciliation,
    reconciliation_item,
)

KINDS = ("service", "evaluation")
CHUNK = 2000


class Window(NamedTuple):
    """One source's period."""

    source_id: str
    since: datetime  # UTC without zone
    until: datetime


class PageVersion(NamedTuple):
    """Pages that were normalised by one version of the mapping; none: not normalised yet."""

    rule_version: str | None
    pages: int


class Declared(NamedTuple):
    """Pages whose size the source declared, and those of them that held another number of records."""

    pages: int
    differing: int


class LedgerRow(NamedTuple):
    """One record as the ledger holds it."""

    kind: str
    record_key: str
    version: int
    event_at: datetime
    received_at: datetime
    origin: str | None
    service_stage: str | None
    content: str
    personal: bytes | None


class LevelCount(NamedTuple):
    channel: str | None
    satisfaction: int
    origin: str | None
    records: int


class RegionCount(NamedTuple):
    area_code: str | None
    satisfaction: int
    origin: str | None
    records: int


class ReasonCount(NamedTuple):
    """Quarantined records with reason ``code`` at ``field``."""

    code: str
    field: str
    source_path: str
    records: int


class Place(NamedTuple):
    """Where one problem of one record stands."""

    code: str
    page_id: str
    page_index: int
    ordinal: int


class Delivery(NamedTuple):
    """How the source's records of the period stand with the receiving platforms."""

    records: int
    receipted: int
    refused: int
    days: int
    compared_days: int
    differing: int


def page_versions(transaction: Connection, window: Window) -> list[PageVersion]:
    asked = select(raw_page.c.rule_version, func.count()).where(_received(raw_page, window))
    found = transaction.execute(asked.group_by(raw_page.c.rule_version).order_by(raw_page.c.rule_version))
    return [PageVersion(version, int(pages)) for version, pages in found]


def declared(transaction: Connection, window: Window) -> Declared:
    page = raw_page.c
    asked = select(func.count(), func.coalesce(func.sum(case((page.declared != page.landed, 1), else_=0)), 0))
    settled = and_(_received(raw_page, window), page.declared.is_not(None), page.landed.is_not(None))
    return Declared(*map(int, transaction.execute(asked.where(settled)).one()))


def stored_source_records(transaction: Connection, window: Window) -> int:
    """Source records that brought at least one ledger row."""
    row = ledger_record.c
    places = select(row.page_id, row.page_index).where(_received(ledger_record, window), row.page_id.is_not(None))
    return _count(transaction, places.distinct())


def duplicates(transaction: Connection, window: Window) -> int:
    return _count(transaction, select(duplicate.c.page_id).where(_received(duplicate, window)))


def versions(transaction: Connection, window: Window) -> dict[str, tuple[int, int]]:
    """By kind: all versions received, and those that are the latest of their record."""
    latest = _latest(window).subquery()
    all_rows = select(ledger_record.c.kind, func.count()).where(_ours(window)).group_by(ledger_record.c.kind)
    newest = select(latest.c.kind, func.count()).group_by(latest.c.kind)
    total = {kind: int(rows) for kind, rows in transaction.execute(all_rows)}
    current = {kind: int(rows) for kind, rows in transaction.execute(newest)}
    return {kind: (total.get(kind, 0), current.get(kind, 0)) for kind in KINDS}


def ledger_rows(transaction: Connection, window: Window) -> Iterator[LedgerRow]:
    """The latest version of every record, in no order, as a stream."""
    found = transaction.execute(_latest(window).execution_options(yield_per=CHUNK))
    for row in found:
        yield LedgerRow(*row)


def levels(transaction: Connection, window: Window, *, only_ineffective: bool = False) -> list[LevelCount]:
    """Evaluations by channel, level and origin; those that were taken back count no more.

    ``only_ineffective``: of these, those that are marked as not effective.
    """
    standing = _standing(window, "channel", "satisfaction", "origin", "content", "record_key").subquery()
    row = standing.c
    asked = select(row.channel, row.satisfaction, row.origin, func.count()).where(row.kind == "evaluation")
    if only_ineffective:
        asked = asked.where(not_effective(standing))
    found = transaction.execute(asked.group_by(row.channel, row.satisfaction, row.origin))
    return [LevelCount(channel, int(level), origin, int(records)) for channel, level, origin, records in found]


def region_levels(transaction: Connection, window: Window) -> list[RegionCount]:
    """Evaluations by region, level and origin; those that were taken back count no more."""
    row = _standing(window, "area_code", "satisfaction", "origin").subquery().c
    asked = select(row.area_code, row.satisfaction, row.origin, func.count()).where(row.kind == "evaluation")
    found = transaction.execute(asked.group_by(row.area_code, row.satisfaction, row.origin))
    return [RegionCount(area, int(level), origin, int(records)) for area, level, origin, records in found]


def warning_sets(transaction: Connection, window: Window) -> list[tuple[str, int]]:
    """The ledger's lists of warnings (JSON), each with its number of records."""
    row = ledger_record.c
    asked = select(row.warnings, func.count()).where(_ours(window), row.warnings.is_not(None)).group_by(row.warnings)
    return [(text, int(records)) for text, records in transaction.execute(asked)]


def warned_places(transaction: Connection, window: Window, code: str, limit: int) -> list[tuple[str, int]]:
    """Some source records that passed with warning ``code``."""
    row = ledger_record.c
    asked = select(row.page_id, row.page_index).where(
        _ours(window), row.page_id.is_not(None), row.warnings.contains(f'"{code}"', autoescape=True)
    )
    return [(page, index) for page, index in transaction.execute(asked.order_by(row.position).limit(limit))]


def reasons(transaction: Connection, window: Window) -> list[ReasonCount]:
    """Reasons of the open quarantine by code and field; two problems of a record at one field count once."""
    problem = quarantine_problem.c
    each = _refused(window, problem.code, problem.field, problem.source_path).distinct().subquery().c
    asked = select(each.code, each.field, func.min(each.source_path), func.count())
    return [ReasonCount(*row) for row in transaction.execute(asked.group_by(each.code, each.field))]


def refused_by_code(transaction: Connection, window: Window) -> dict[str, int]:
    """Open quarantined records by reason; a record with several reasons counts under each."""
    each = _refused(window, quarantine_problem.c.code).distinct().subquery().c
    return {code: int(rows) for code, rows in transaction.execute(select(each.code, func.count()).group_by(each.code))}


def refused_by_state(transaction: Connection, window: Window) -> dict[str, int]:
    """Quarantined records by state: open, released, duplicate."""
    asked = select(quarantine.c.state, func.count()).where(_received(quarantine, window)).group_by(quarantine.c.state)
    return {state: int(rows) for state, rows in transaction.execute(asked)}


def refused_by_platform(transaction: Connection, window: Window) -> int:
    """Open quarantined records that a platform gave back; mapping names attributes, a platform names kinds."""
    asked = _refused(window).where(quarantine_problem.c.field.in_((*KINDS, "rectification")))
    return _count(transaction, asked.distinct())


def sample_places(transaction: Connection, window: Window, each: int) -> list[Place]:
    """The first ``each`` places of every reason."""
    problem = quarantine_problem.c
    rank = func.row_number().over(
        partition_by=problem.code, order_by=(problem.page_id, problem.page_index, problem.ordinal)
    )
    ranked = _refused(window, problem.code, problem.ordinal, rank.label("rank")).subquery().c
    asked = select(ranked.code, ranked.page_id, ranked.page_index, ranked.ordinal).where(ranked.rank <= each)
    return [Place(*row) for row in transaction.execute(asked.order_by(ranked.code, ranked.rank))]


def origins(transaction: Connection, page_ids: Collection[str]) -> dict[str, str]:
    """How the source names these pages: a file's name, a page's number."""
    asked = select(raw_page.c.page_id, raw_page.c.origin).where(raw_page.c.page_id.in_(page_ids))
    return {row.page_id: row.origin for row in transaction.execute(asked)}


def refused_details(transaction: Connection, window: Window, codes: Sequence[str]) -> Iterator[tuple[str, int, bytes]]:
    """Page, index and sealed detail of the open records that have one of ``codes``, as a stream."""
    kept, problem = quarantine.c, quarantine_problem.c
    named = select(problem.page_id).where(
        problem.page_id == kept.page_id, problem.page_index == kept.page_index, problem.code.in_(codes)
    )
    asked = select(kept.page_id, kept.page_index, kept.detail).where(
        _received(quarantine, window), kept.state == quarantined.OPEN, named.exists()
    )
    for page_id, page_index, detail in transaction.execute(asked.execution_options(yield_per=CHUNK)):
        yield page_id, page_index, bytes(detail)


def delivery(transaction: Connection, window: Window) -> Delivery:
    """The period's records in batches with a receipt, and what reconciling those days found for them."""
    row = ledger_record.c
    sent = (
        select(batch.c.target_id, batch.c.business_date, batch_record.c.code, batch.c.state, row.kind, row.record_key)
        .join_from(ledger_record, batch_record, batch_record.c.position == row.position)
        .join(batch, batch.c.number == batch_record.c.batch_number)
        .where(_ours(window))
        .subquery()
    )
    done = sent.c.state.in_([*RECEIPTED, BatchState.PURGED])
    counted = select(
        func.count(),
        func.coalesce(func.sum(case((and_(done, sent.c.code.is_(None)), 1), else_=0)), 0),
        func.coalesce(func.sum(case((and_(done, sent.c.code.is_not(None)), 1), else_=0)), 0),
    )
    records, receipted, refused = transaction.execute(counted).one()
    days = select(sent.c.target_id, sent.c.business_date).where(done).distinct().subquery()
    compared = select(days.c.business_date).where(
        select(reconciliation.c.kind)
        .where(reconciliation.c.target_id == days.c.target_id, reconciliation.c.business_date == days.c.business_date)
        .exists()
    )
    item = reconciliation_item.c
    differing = (
        select(item.record_key, item.kind)
        .join(
            sent,
            and_(
                sent.c.target_id == item.target_id,
                sent.c.business_date == item.business_date,
                sent.c.kind == item.kind,
                sent.c.record_key == item.record_key,
            ),
        )
        .distinct()
    )
    return Delivery(
        int(records),
        int(receipted),
        int(refused),
        _count(transaction, select(days.c.business_date)),
        _count(transaction, compared),
        _count(transaction, differing),
    )


def _received(table: FromClause, window: Window) -> ColumnElement[bool]:
    columns = table.c
    return and_(
        columns.source_id == window.source_id,
        columns.received_at >= window.since,
        columns.received_at < window.until,
    )


def _ours(window: Window) -> ColumnElement[bool]:
    """Rows that the source brought; rectifications are written by the gateway itself."""
    return and_(_received(ledger_record, window), ledger_record.c.kind.in_(KINDS))


def _latest(window: Window, *columns: str) -> Select[Any]:
    newer = ledger_record.alias("newer")
    superseded = select(newer.c.position).where(
        newer.c.kind == ledger_record.c.kind,
        newer.c.record_key == ledger_record.c.record_key,
        newer.c.version > ledger_record.c.version,
        newer.c.received_at < window.until,
    )
    chosen = [ledger_record.c[name] for name in (("kind", *columns) if columns else LedgerRow._fields)]
    return select(*chosen).where(_ours(window), ~superseded.exists())


def _standing(window: Window, *columns: str) -> Select[Any]:
    """The latest versions without those that take a record back."""
    return _latest(window, *columns).where(ledger_record.c.content.not_like(WITHDRAWN))


def _refused(window: Window, *columns: ColumnElement[Any]) -> Select[Any]:
    kept, problem = quarantine.c, quarantine_problem.c
    return (
        select(kept.page_id, kept.page_index, *columns)
        .join_from(
            quarantine,
            quarantine_problem,
            and_(problem.page_id == kept.page_id, problem.page_index == kept.page_index),
        )
        .where(_received(quarantine, window), kept.state == quarantined.OPEN)
    )


def _count(transaction: Connection, asked: Select[Any]) -> int:
    return transaction.execute(select(func.count()).select_from(asked.subquery())).scalar_one()
