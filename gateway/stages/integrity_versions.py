"""The same evaluation told twice: by two sources, or by one source in two versions or two pulls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from gateway.domain.integrity import Change, Pair, Redelivered, missing_negative, time_shift, wide_time_shift
from gateway.domain.rate import Rate, counted
from gateway.mapping.entry import Entry
from gateway.stages.context import Context
from gateway.stages.integrity_finds import Finds, Group
from gateway.stages.integrity_observe import is_withdrawal
from gateway.stages.mapped_page import map_page
from gateway.store import Transaction, observations, pages, utc_naive
from gateway.store.observations import Versions

SHIFT, MISSING = "time_shift", "missing_negative"
PERIOD = "period"
FIELD = "assess_time"


class _Places(NamedTuple):
    """Whose copy is compared with whose."""

    source_id: str
    upstream: str
    dept_code: str | None

    @property
    def group(self) -> tuple[str, str | None, None]:
        """Source, department and (unknown) region."""
        return self.source_id, self.dept_code, None


def look_at_versions(context: Context, finds: Finds, since: datetime, until: datetime, source_id: str | None) -> None:
    """Judge what changed between deliveries of evaluations given in ``[since, until)``."""
    with context.store.read() as transaction:
        successions = [*observations.versions(transaction, since, until, source_id)]
        _missing_negatives(transaction, finds, successions, since, until, source_id)
    pairs = _version_pairs(successions)
    for places, pair in _conflicts(context, since, until, source_id):
        pairs[places].append(pair)
    departments = sorted(item for item in pairs.items() if item[0].dept_code is not None)
    for places, told in (*departments, *_whole_sources(pairs)):
        _note_shift(context, finds, Group(*places.group, PERIOD, since, until), places, told)


def _note_shift(context: Context, finds: Finds, group: Group, places: _Places, told: Sequence[Pair]) -> None:
    rule = finds.thresholds[SHIFT]
    whole = places.dept_code is None
    facts = (wide_time_shift if whole else time_shift)(told, FIELD, rule)
    finds.judged(SHIFT, facts is not None)
    if facts:
        affected = [pair.record_key for pair in told if pair.difference == facts["difference_seconds"]]
        observed = facts | {"upstream": places.upstream}
        with context.store.read() as transaction:
            rates = _rates(transaction, group, affected)
        threshold = dict(rule["source"]) if whole else None
        finds.add(SHIFT, group, observed, len(told), len(affected), affected, rates, threshold)


def _whole_sources(pairs: Mapping[_Places, list[Pair]]) -> list[tuple[_Places, list[Pair]]]:
    """The pairs of all departments together, by source and upstream."""
    whole: defaultdict[_Places, list[Pair]] = defaultdict(list)
    for places, told in pairs.items():
        whole[places._replace(dept_code=None)] += told
    return sorted(whole.items())


def _version_pairs(successions: list[Versions]) -> defaultdict[_Places, list[Pair]]:
    pairs: defaultdict[_Places, list[Pair]] = defaultdict(list)
    for one in successions:
        difference = round((one.new_assess - one.old_assess).total_seconds())
        places = _Places(one.source_id, one.source_id, one.dept_code)
        pairs[places].append(Pair(one.record_key, one.dept_code, difference))
    return pairs


def _conflicts(
    context: Context, since: datetime, until: datetime, source_id: str | None
) -> Iterator[tuple[_Places, Pair]]:
    """Refused copies of held evaluations, mapped again from raw: the ledger holds but one of the two."""
    with context.store.read() as transaction:
        places = [*observations.refused(transaction, "record.conflict", since, None, source_id)]
    for page_id, of_page in groupby(places, key=lambda place: place.page_id):
        indexes = [place.page_index for place in of_page]
        with context.store.read() as transaction:
            (head,) = pages.heads(transaction, [page_id])
        mapped = map_page(context, head, indexes)
        copies = [entry for record in mapped.records for entry in record.entries if _given(entry, since, until)]
        with context.store.read() as transaction:
            first = {one.record_key: one for one in reversed(observations.held(transaction, _keys(copies)))}
        for entry in copies:
            known = first.get(entry.key)
            if known is not None:
                difference = round((_moment(entry) - known.assess).total_seconds())
                between = _Places(head.source_id, known.source_id, known.dept_code)
                yield between, Pair(entry.key, known.dept_code, difference)


def _given(entry: Entry, since: datetime, until: datetime) -> bool:
    return entry.kind == "evaluation" and utc_naive(since) <= _moment(entry) < utc_naive(until)


def _moment(entry: Entry) -> datetime:
    moment = entry.event_at
    return moment if moment.tzinfo is None else utc_naive(moment)


def _keys(copies: list[Entry]) -> list[str]:
    return [entry.key for entry in copies]


def _missing_negatives(
    transaction: Transaction,
    finds: Finds,
    successions: list[Versions],
    since: datetime,
    until: datetime,
    source_id: str | None,
) -> None:
    rule = finds.thresholds[MISSING]
    changes: defaultdict[str, list[Change]] = defaultdict(list)
    for one in successions:
        changes[one.source_id].append(_change(one))
    again: defaultdict[str, list[Redelivered]] = defaultdict(list)
    delivered = observations.pages_again(transaction, since, until, source_id)
    absent: defaultdict[str, list[tuple[str, str | None]]] = defaultdict(list)
    for lost in observations.absent_negatives(transaction, delivered, since, until):
        absent[lost.page_id].append((lost.record_key, lost.dept_code))
    for page in delivered:
        again[page.source_id].append(Redelivered(page.page_id, page.evaluations, page.repeated, absent[page.page_id]))
    for source in sorted(changes.keys() | again.keys()):
        finds.judged(MISSING, True)
        found = missing_negative(changes[source], again[source], rule)
        by_dept: defaultdict[str | None, list[tuple[str, dict[str, object]]]] = defaultdict(list)
        for dept, key, facts in found:
            by_dept[dept].append((key, facts))
        for dept, gone in sorted(by_dept.items(), key=lambda item: str(item[0])):
            group = Group(source, dept, None, PERIOD, since, until)
            records = [{"key": key, **facts} for key, facts in gone[: finds.thresholds.record_keys]]
            keys = [key for key, _ in gone]
            rates = _rates(transaction, group, keys)
            size = max(len(gone), rates[0].rated)
            finds.add(MISSING, group, {"count": len(gone), "records": records}, size, len(gone), keys, rates)


def _change(one: Versions) -> Change:
    return Change(
        *(one.record_key, one.dept_code, one.old_version, one.new_version),
        *(one.old_satisfaction, one.new_satisfaction, is_withdrawal(one.new_content)),
    )


def _rates(transaction: Transaction, group: Group, record_keys: Sequence[str]) -> tuple[Rate, Rate]:
    """The group's rate as the latest versions have it, and without these records."""
    by_origin = observations.origin_rates(transaction, group.since, group.until, group.source_id, group.dept_code)
    rate = counted(by_origin)
    return rate, rate.less(observations.rate_of(transaction, record_keys))
