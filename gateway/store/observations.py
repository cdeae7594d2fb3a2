"""What the integrity detectors read of the ledger, in order and as a stream: a province doesn't fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, exists, func, or_, select

from gateway.domain.integrity import Tally
from gateway.domain.rate import COUNTED, POSITIVE, Rate
from gateway.domain.region import common, prefix
from gateway.store.database import utc_naive
from gateway.store.effectiveness import not_effective
from gateway.store.quarantine import OPEN
from gateway.store.tables import duplicate, ledger_record, quarantine, quarantine_problem

STREAMED = 2000  # rows fetched at once
KEYS = 500  # looked up at once
WITHDRAWN = '%"flag":"D"%'  # in canonical JSON, where a quotation mark within a value is escaped
UNRATED = '%"satisfaction.unrated"%'


class Evaluated(NamedTuple):
    """The latest version of one evaluation, with its service where that is held. Moments UTC, without zone."""

    source_id: str
    dept_code: str | None
    area_code: str | None
    record_key: str
    version: int
    satisfaction: int | None
    channel: str | None
    origin: str | None
    assess: datetime
    content: str
    personal: bytes | None
    service_key: str | None
    service_version: int | None
    service: datetime | None
    service_content: str | None
    service_personal: bytes | None


class Versions(NamedTuple):
    """Two successive versions of one evaluation."""

    source_id: str
    dept_code: str | None
    area_code: str | None
    record_key: str
    old_version: int
    new_version: int
    old_satisfaction: int
    new_satisfaction: int
    old_assess: datetime
    new_assess: datetime
    new_content: str


class SourceTally(NamedTuple):
    source_id: str
    dept_code: str | None
    area_code: str | None
    tally: Tally


class PageAgain(NamedTuple):
    """A landed page's evaluations, and those that later pulls brought again; indexes of the first and the last."""

    source_id: str
    page_id: str
    evaluations: int
    repeated: int
    first_index: int
    last_index: int


class Absent(NamedTuple):
    """A negative evaluation that a later pull of its page did not bring."""

    page_id: str
    record_key: str
    dept_code: str | None


class OriginRate(NamedTuple):
    source_id: str
    dept_code: str | None
    origin: str
    rate: Rate


class Place(NamedTuple):
    """A refused record, and where it stands."""

    source_id: str
    page_id: str
    page_index: int


class Held(NamedTuple):
    """A held version of an evaluation."""

    record_key: str
    version: int
    source_id: str
    dept_code: str | None
    assess: datetime


def evaluations(
    transaction: Connection, since: datetime, until: datetime, source_id: str | None = None
) -> Iterator[Evaluated]:
    """Latest versions of evaluations given in ``[since, until)``, by source, department and time; a stream."""
    one, service = ledger_record.alias("one"), ledger_record.alias("service")
    same = and_(service.c.kind == "service", service.c.record_key == one.c.parent_key, _latest(service))
    asked = (
        select(
            *(one.c.source_id, one.c.dept_code, one.c.area_code, one.c.record_key, one.c.version, one.c.satisfaction),
            *(one.c.channel, one.c.origin, one.c.event_at, one.c.content, one.c.personal),
            *(service.c.record_key, service.c.version, service.c.event_at, service.c.content, service.c.personal),
        )
        .select_from(one.outerjoin(service, same))
        .where(*_given(one, since, until, source_id))
        .order_by(one.c.source_id, one.c.dept_code, one.c.event_at, one.c.position)
    )
    for row in transaction.execute(asked.execution_options(yield_per=STREAMED)):
        yield Evaluated._make(row)


def versions(
    transaction: Connection, since: datetime, until: datetime, source_id: str | None = None
) -> Iterator[Versions]:
    """Every succession of versions of evaluations whose older one was given in ``[since, until)``."""
    old, new = ledger_record.alias("old"), ledger_record.alias("new")
    following = and_(
        new.c.kind == "evaluation", new.c.record_key == old.c.record_key, new.c.version == old.c.version + 1
    )
    asked = (
        select(
            *(new.c.source_id, new.c.dept_code, new.c.area_code, new.c.record_key, old.c.version, new.c.version),
            *(old.c.satisfaction, new.c.satisfaction, old.c.event_at, new.c.event_at, new.c.content),
        )
        .select_from(old.join(new, following))
        .where(old.c.kind == "evaluation", *_during(old.c.event_at, since, until))
        .order_by(new.c.source_id, new.c.dept_code, new.c.record_key, new.c.version)
    )
    if source_id is not None:
        asked = asked.where(new.c.source_id == source_id)
    for row in transaction.execute(asked):
        yield Versions._make(row)


def tallies(
    transaction: Connection, since: datetime, until: datetime, source_id: str | None = None
) -> list[SourceTally]:
    """Counted evaluations and the negative ones among them, by source and department."""
    one = ledger_record.alias("one")
    asked = (
        select(
            *(one.c.source_id, one.c.dept_code, func.min(one.c.area_code), func.max(one.c.area_code), func.count()),
            func.sum(case((one.c.satisfaction < POSITIVE, 1), else_=0)),
        )
        .where(*_given(one, since, until, source_id), one.c.origin.in_(sorted(COUNTED)))
        .group_by(one.c.source_id, one.c.dept_code)
        .order_by(one.c.source_id, one.c.dept_code)
    )
    found = transaction.execute(asked)
    return [
        SourceTally(source, dept, common((least, greatest)), Tally(int(n), int(bad)))
        for source, dept, least, greatest, n, bad in found
    ]


def origin_rates(
    transaction: Connection,
    since: datetime,
    until: datetime,
    source_id: str,
    dept_code: str | None = None,
    left_out: Sequence[tuple[str | None, datetime, datetime]] = (),
    region: str | None = None,
    ineffective: bool = False,
) -> dict[str, Rate]:
    """Positive of rated by ``evaluation_origin``, of a source, of one of its departments, of one region (12 digits).

    ``left_out``: groups (department or none for all, aware moments) that are not counted; ``ineffective``: only those
    marked as not effective.
    """
    one = ledger_record.alias("one")
    asked = select(one.c.origin, func.sum(case((one.c.satisfaction >= POSITIVE, 1), else_=0)), func.count()).where(
        *_given(one, since, until, source_id)
    )
    if dept_code is not None:
        asked = asked.where(one.c.dept_code == dept_code)
    if region is not None:
        asked = asked.where(one.c.area_code.startswith(prefix(region)))
    if ineffective:
        asked = asked.where(not_effective(one))
    for dept, start, end in left_out:
        inside = and_(*_during(one.c.event_at, start, end))
        asked = asked.where(~(inside if dept is None else and_(inside, func.coalesce(one.c.dept_code, "") == dept)))
    found = transaction.execute(asked.group_by(one.c.origin))
    return {origin or "unknown": Rate(int(positive), int(rated)) for origin, positive, rated in found}


def area_rates(
    transaction: Connection, since: datetime, until: datetime, source_id: str
) -> dict[tuple[str | None, str], Rate]:
    """Positive of rated of a source by region code and ``evaluation_origin``."""
    one = ledger_record.alias("one")
    asked = (
        select(
            one.c.area_code, one.c.origin, func.sum(case((one.c.satisfaction >= POSITIVE, 1), else_=0)), func.count()
        )
        .where(*_given(one, since, until, source_id))
        .group_by(one.c.area_code, one.c.origin)
    )
    return {
        (area, origin or "unknown"): Rate(int(positive), int(rated))
        for area, origin, positive, rated in transaction.execute(asked)
    }


def rate_of(transaction: Connection, record_keys: Sequence[str]) -> Rate:
    """Positive of rated among these evaluations, by the published rule; those taken back don't count."""
    one = ledger_record.alias("one")
    found = Rate()
    for start in range(0, len(record_keys), KEYS):
        asked = select(func.sum(case((one.c.satisfaction >= POSITIVE, 1), else_=0)), func.count()).where(
            one.c.kind == "evaluation",
            one.c.record_key.in_(record_keys[start : start + KEYS]),
            one.c.origin.in_(sorted(COUNTED)),
            one.c.content.not_like(WITHDRAWN),
            _latest(one),
        )
        positive, rated = transaction.execute(asked).one()
        found = Rate(found.positive + int(positive or 0), found.rated + int(rated))
    return found


def all_rates(transaction: Connection, since: datetime, until: datetime) -> list[OriginRate]:
    """Positive of rated by source, department and ``evaluation_origin``."""
    one = ledger_record.alias("one")
    asked = (
        select(
            *(one.c.source_id, one.c.dept_code, one.c.origin),
            *(func.sum(case((one.c.satisfaction >= POSITIVE, 1), else_=0)), func.count()),
        )
        .where(*_given(one, since, until, None))
        .group_by(one.c.source_id, one.c.dept_code, one.c.origin)
    )
    return [
        OriginRate(source, dept, origin or "unknown", Rate(int(positive), int(rated)))
        for source, dept, origin, positive, rated in transaction.execute(asked)
    ]


def all_unrated(transaction: Connection, since: datetime, until: datetime) -> dict[tuple[str, str | None], int]:
    """Services of ``[since, until)`` whose source said that nobody rated them (不评价), by source and department."""
    one = ledger_record.alias("one")
    asked = (
        select(one.c.source_id, one.c.dept_code, func.count())
        .where(one.c.kind == "service", *_during(one.c.event_at, since, until), one.c.warnings.like(UNRATED))
        .where(_latest(one))
        .group_by(one.c.source_id, one.c.dept_code)
    )
    return {(source, dept): int(services) for source, dept, services in transaction.execute(asked)}


def pages_again(
    transaction: Connection, since: datetime, until: datetime, source_id: str | None = None
) -> list[PageAgain]:
    """Pages of evaluations of the period that a later pull brought again, wholly or partly."""
    one, again = ledger_record.alias("one"), _again()
    repeated = or_(again.c.first_position.is_not(None), ~_latest(one))
    asked = (
        select(
            *(one.c.source_id, one.c.page_id, func.count()),
            func.sum(case((repeated, 1), else_=0)),
            func.min(case((repeated, one.c.page_index))),
            func.max(case((repeated, one.c.page_index))),
        )
        .select_from(one.outerjoin(again, again.c.first_position == one.c.position))
        .where(*_first(one, since, until, source_id))
        .group_by(one.c.source_id, one.c.page_id)
        .having(func.sum(case((repeated, 1), else_=0)) > 0)
        .order_by(one.c.source_id, one.c.page_id)
    )
    return [PageAgain._make(row) for row in transaction.execute(asked)]


def absent_negatives(
    transaction: Connection, pages: Sequence[PageAgain], since: datetime, until: datetime
) -> list[Absent]:
    """Negatives of the period on ``pages`` that no later pull brought, though their neighbours on both sides came."""
    one, again = ledger_record.alias("one"), _again()
    found: list[Absent] = []
    for start in range(0, len(pages), KEYS):
        came = {page.page_id: page for page in pages[start : start + KEYS]}
        asked = (
            select(one.c.page_id, one.c.page_index, one.c.record_key, one.c.dept_code)
            .select_from(one.outerjoin(again, again.c.first_position == one.c.position))
            .where(
                *_first(one, since, until, None),
                one.c.satisfaction < POSITIVE,
                one.c.page_id.in_(came),
                again.c.first_position.is_(None),
                _latest(one),
            )
            .order_by(one.c.page_id, one.c.page_index)
        )
        for page_id, index, record_key, dept in transaction.execute(asked):
            if came[page_id].first_index < index < came[page_id].last_index:
                found.append(Absent(page_id, record_key, dept))
    return found


def refused(
    transaction: Connection, code: str, since: datetime, until: datetime | None, source_id: str | None = None
) -> Iterator[Place]:
    """Records received in ``[since, until)`` and refused with reason ``code``, by source and page; still refused."""
    asked = (
        select(quarantine.c.source_id, quarantine.c.page_id, quarantine.c.page_index)
        .join_from(
            quarantine,
            quarantine_problem,
            and_(
                quarantine_problem.c.page_id == quarantine.c.page_id,
                quarantine_problem.c.page_index == quarantine.c.page_index,
            ),
        )
        .where(
            quarantine_problem.c.code == code,
            quarantine.c.state == OPEN,
            quarantine.c.received_at >= utc_naive(since),
        )
        .distinct()
        .order_by(quarantine.c.source_id, quarantine.c.page_id, quarantine.c.page_index)
    )
    if until is not None:
        asked = asked.where(quarantine.c.received_at < utc_naive(until))
    if source_id is not None:
        asked = asked.where(quarantine.c.source_id == source_id)
    for row in transaction.execute(asked):
        yield Place._make(row)


def held(transaction: Connection, record_keys: Sequence[str]) -> list[Held]:
    """All held versions of these evaluations."""
    found: list[Held] = []
    one = ledger_record.c
    for start in range(0, len(record_keys), KEYS):
        asked = select(one.record_key, one.version, one.source_id, one.dept_code, one.event_at).where(
            one.kind == "evaluation", one.record_key.in_(record_keys[start : start + KEYS])
        )
        found += [Held._make(row) for row in transaction.execute(asked.order_by(one.record_key, one.version))]
    return found


def _given(one: FromClause, since: datetime, until: datetime, source_id: str | None) -> list[ColumnElement[bool]]:
    """Latest versions of evaluations of the period that were not taken back."""
    chosen = [one.c.kind == "evaluation", *_during(one.c.event_at, since, until), _latest(one)]
    chosen.append(one.c.content.not_like(WITHDRAWN))
    return chosen if source_id is None else [*chosen, one.c.source_id == source_id]


def _first(one: FromClause, since: datetime, until: datetime, source_id: str | None) -> list[ColumnElement[bool]]:
    """First versions of evaluations of the period."""
    chosen = [one.c.kind == "evaluation", one.c.version == 1, *_during(one.c.event_at, since, until)]
    return chosen if source_id is None else [*chosen, one.c.source_id == source_id]


def _during(moment: ColumnElement[Any], since: datetime, until: datetime) -> list[ColumnElement[bool]]:
    return [moment >= utc_naive(since), moment < utc_naive(until)]


def _latest(one: FromClause) -> ColumnElement[bool]:
    newer = ledger_record.alias()
    return ~exists(
        select(newer.c.position).where(
            newer.c.kind == one.c.kind, newer.c.record_key == one.c.record_key, newer.c.version > one.c.version
        )
    )


def _again() -> Any:
    return select(duplicate.c.first_position).distinct().subquery("again")
