"""The quarantine by cause (按原因汇总): which rule, at which place of the source's records, and which codes how often.

A value is shown only where it is a code that a mapping could name: never for personal data, never free text.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from gateway.domain import mask
from gateway.stages.context import Context
from gateway.store import figures, quarantine
from schemas.attributes import ATTRIBUTES

CODED = frozenset({"source.unmapped", "code.unknown", "satisfaction.unknown", "item.unknown", "region.unknown"})
MOST_OPENED = 5_000  # records of one cause whose values are counted, the newest
MOST_VALUES = 20
_PERSONAL = {name for attributes in ATTRIBUTES.values() for name, attribute in attributes.items() if attribute.personal}


@dataclass(frozen=True, slots=True)
class ValueCount:
    value: str  # masked
    records: int


@dataclass(frozen=True, slots=True)
class Cause:
    """Open records of one source with one reason at one place. ``values``: the codes that came, most frequent first.

    ``counted`` is how many of the records the values were counted in; fewer than ``records`` when there are too many.
    """

    source_id: str
    code: str
    field: str
    source_path: str
    records: int
    oldest: datetime
    values: list[ValueCount]
    counted: int


def causes(context: Context, source_id: str | None = None) -> list[Cause]:
    """Every cause of the open quarantine, the most frequent first; of one source or of all."""
    found = []
    with context.store.read() as transaction:
        for line in figures.quarantine_causes(transaction, source_id):
            values: Counter[str] = Counter()
            counted = 0
            if line.code in CODED and line.field not in _PERSONAL:
                for page_id, index, sealed in figures.cause_details(transaction, line, MOST_OPENED):
                    plain = context.vault.open(quarantine.DETAIL, quarantine.detail_row(page_id, index), sealed)
                    values.update(_values(plain, line))
                    counted += 1
            most = [ValueCount(value, number) for value, number in values.most_common(MOST_VALUES)]
            found.append(Cause(*line, values=most, counted=counted))
    return found


def _values(plain: bytes, line: figures.CauseCount) -> set[str]:
    return {
        mask.field(problem.field, problem.value)
        for problem in quarantine.parse_detail(plain)
        if (problem.code, problem.field) == (line.code, line.field) and problem.value is not None
    }
