"""The conformance report of a source (数据质量报告): what a county sent in a period, and what is wrong with it.

facts = what the store says of the period and of the one before; rules = pass or fail; document = both as data.
``html``, ``xlsx`` and ``json`` are drawn from the document alone, so that all three say the same.
"""

from __future__ import annotations

from datetime import date, datetime

import orjson

from gateway.crypto.digest import sm3_hex
from gateway.crypto.vault import Vault
from gateway.domain.moments import shanghai
from gateway.errors import Rejected
from gateway.mapping import Mapping, Masters
from gateway.mapping.spec import MappingSpec
from gateway.reports.conformance.comparison import compare
from gateway.reports.conformance.document import Document, Limits, SourceHeader
from gateway.reports.conformance.facts import gather, period, period_before
from gateway.reports.conformance.integrity import checks_of, findings_of
from gateway.reports.conformance.rules import judge, verdict
from gateway.store import Store
from schemas.source import SourceFile

LONGEST_PERIOD = 3660  # days
EARLIEST = date(2000, 1, 1)


def conformance(
    store: Store,
    vault: Vault,
    source: SourceFile,
    mapping: Mapping,
    masters: Masters,
    first: date,
    last: date,
    as_of: datetime,
    limits: Limits | None = None,
) -> Document:
    """The report of ``source`` for the local days ``first`` to ``last`` of receipt, both included.

    Raises ``Rejected('conformance.period_invalid')``.
    """
    if first < EARLIEST or not 0 <= (last - first).days < LONGEST_PERIOD:
        raise Rejected("conformance.period_invalid", first=first.isoformat(), last=last.isoformat())
    limits = limits or Limits()
    spec = MappingSpec.model_validate(source.mapping)
    asked = period(first, last)
    with store.read() as transaction:
        now, before = (
            gather(transaction, vault, source.source, spec, mapping.version, each, limits, masters.regions)
            for each in (asked, period_before(asked))
        )
        checks = checks_of(transaction, source.source, asked)
        findings = findings_of(transaction, source.source, asked, masters) if checks else None
    rules = judge(now, limits, findings)
    report = Document(
        report_id="",
        as_of=shanghai(as_of).replace(microsecond=0),
        source=_header(source, masters),
        limits=limits,
        verdict=verdict(now, rules),
        rules=rules,
        facts=now,
        before=before,
        comparison=compare(now, before),
        checks=checks,
        findings=findings,
    )
    return report.model_copy(update={"report_id": digest(report)})


def digest(report: Document) -> str:
    """What ``report_id`` must be: SM3 over sorted JSON of all but the id and the moment of the look."""
    facts = report.model_dump(mode="json", exclude={"report_id", "as_of"})
    return sm3_hex(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS))[:32]


def _header(source: SourceFile, masters: Masters) -> SourceHeader:
    region = masters.regions.get(source.region)
    return SourceHeader(
        source=source.source,
        name=source.name,
        owner=source.owner,
        region=source.region,
        region_name=region.name if region else "",
        connector=source.connector,
    )


__all__ = ["Document", "Limits", "conformance", "digest"]
