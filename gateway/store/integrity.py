"""Integrity runs, their findings, and figures that sources publish: append-only."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import orjson
from sqlalchemy import Connection, insert, or_, select

from gateway.domain.integrity import Finding, SourceFigure
from gateway.domain.rate import Rate
from gateway.store import bulk
from gateway.store.database import utc_aware, utc_naive
from gateway.store.tables import integrity_finding, integrity_run, source_figure

Coverage = Mapping[str, tuple[int, int]]  # detector to groups assessed, groups not assessed


@dataclass(frozen=True, slots=True)
class Run:
    """One check; moments aware."""

    run_id: str
    checked_at: datetime
    since: datetime
    until: datetime
    source_id: str | None
    thresholds_version: str
    evaluations: int
    coverage: Coverage


def new_run_id() -> str:
    return secrets.token_hex(16)


def add_run(transaction: Connection, run: Run, findings: Sequence[Finding]) -> None:
    """Keep a check and what it found."""
    transaction.execute(
        insert(integrity_run).values(
            run_id=run.run_id,
            checked_at=utc_naive(run.checked_at),
            since=utc_naive(run.since),
            until=utc_naive(run.until),
            source_id=run.source_id,
            thresholds_version=run.thresholds_version,
            evaluations=run.evaluations,
            coverage=_text(run.coverage),
        )
    )
    columns = [column.name for column in integrity_finding.columns]
    rows = [
        (
            *(run.run_id, ordinal, one.detector, one.detector_version, one.source_id, one.dept_code, one.area_code),
            *(one.period, utc_naive(one.since), utc_naive(one.until), _text(one.threshold), _text(one.observed)),
            *(one.group_size, one.affected, _text(one.record_keys), *one.rate, *one.rate_without),
        )
        for ordinal, one in enumerate(findings)
    ]
    bulk.insert(transaction, "integrity_finding", columns, rows)


def runs(transaction: Connection, source_id: str | None, since: datetime, until: datetime) -> list[Run]:
    """Checks of ``source_id`` (none: any) whose period meets ``[since, until)``, the latest first."""
    table = integrity_run.c
    asked = select(integrity_run).where(table.until > utc_naive(since), table.since < utc_naive(until))
    if source_id is not None:
        asked = asked.where(or_(table.source_id.is_(None), table.source_id == source_id))
    found = transaction.execute(asked.order_by(table.checked_at.desc(), table.run_id))
    return [
        Run(
            *(row.run_id, utc_aware(row.checked_at), utc_aware(row.since), utc_aware(row.until), row.source_id),
            *(row.thresholds_version, row.evaluations, _coverage(row.coverage)),
        )
        for row in found
    ]


def findings(
    transaction: Connection, run_id: str, source_id: str | None, since: datetime, until: datetime
) -> list[Finding]:
    """One check's findings whose window meets ``[since, until)``, in the order of the check."""
    table = integrity_finding.c
    asked = select(integrity_finding).where(
        table.run_id == run_id, table.until > utc_naive(since), table.since < utc_naive(until)
    )
    if source_id is not None:
        asked = asked.where(table.source_id == source_id)
    return [
        Finding(
            *(row.detector, row.detector_version, row.source_id, row.dept_code, row.area_code, row.period),
            *(utc_aware(row.since), utc_aware(row.until), orjson.loads(row.threshold), orjson.loads(row.observed)),
            *(row.group_size, row.affected, tuple(orjson.loads(row.record_keys))),
            *(Rate(row.positive, row.rated), Rate(row.positive_without, row.rated_without)),
        )
        for row in transaction.execute(asked.order_by(table.ordinal))
    ]


def add_figures(transaction: Connection, figures: Sequence[SourceFigure], now: datetime) -> str:
    """Keep published figures, one import; its id."""
    import_id = new_run_id()
    rows = [
        {
            "import_id": import_id,
            "ordinal": ordinal,
            "imported_at": utc_naive(now),
            "source_id": one.source_id,
            "dept_code": one.dept_code,
            "first_day": one.first.isoformat(),
            "last_day": one.last.isoformat(),
            "positive": one.positive,
            "rated": one.rated,
            "rate": None if one.rate is None else str(one.rate),
        }
        for ordinal, one in enumerate(figures)
    ]
    if rows:
        transaction.execute(insert(source_figure), rows)
    return import_id


def source_figures(transaction: Connection, source_id: str | None, first: date, last: date) -> list[SourceFigure]:
    """Published figures whose days lie within ``[first, last]``, by source, department and day; the latest import."""
    table = source_figure.c
    asked = select(source_figure).where(table.first_day >= first.isoformat(), table.last_day <= last.isoformat())
    if source_id is not None:
        asked = asked.where(table.source_id == source_id)
    latest: dict[tuple[str, str, str, str], SourceFigure] = {}
    for row in transaction.execute(asked.order_by(table.imported_at, table.import_id, table.ordinal)):
        latest[row.source_id, row.dept_code or "", row.first_day, row.last_day] = SourceFigure(
            *(row.source_id, row.dept_code, date.fromisoformat(row.first_day), date.fromisoformat(row.last_day)),
            *(row.positive, row.rated, None if row.rate is None else Decimal(row.rate)),
        )
    return [latest[key] for key in sorted(latest)]


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


def _coverage(text: str) -> Coverage:
    return {detector: (assessed, not_assessed) for detector, (assessed, not_assessed) in orjson.loads(text).items()}
