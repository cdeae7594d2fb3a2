"""Sources as a whole: no complaint ever, and times that intake had to refuse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from gateway.domain.integrity import Tally, future_refusals, no_negative
from gateway.domain.rate import Rate
from gateway.stages.context import Context
from gateway.stages.integrity_finds import Finds, Group
from gateway.store import Transaction, figures, observations
from gateway.store.observations import Place, SourceTally

NO_NEGATIVE, BEFORE, CLOCK = "no_negative", "before_service", "device_clock"
WITHOUT_DETAIL = "evaluation.negative_without_detail"


def look_at_sources(context: Context, finds: Finds, since: datetime, until: datetime, source_id: str | None) -> None:
    """Judge every source in the window ``[since, until)``."""
    with context.store.read() as transaction:
        everyone = observations.tallies(transaction, since, until)
        refused_negatives = {
            source: len([*places])
            for source, places in _by_source(observations.refused(transaction, WITHOUT_DETAIL, since, until))
        }
        _no_negatives(finds, everyone, refused_negatives, since, until, source_id)
        sources = _summed(everyone)
        _before_service(transaction, finds, sources, since, until, source_id)
        _device_clocks(transaction, finds, sources, since, until, source_id)


def _no_negatives(
    finds: Finds,
    everyone: list[SourceTally],
    refused: dict[str, int],
    since: datetime,
    until: datetime,
    source_id: str | None,
) -> None:
    """Departments against all others, and sources against all other sources."""
    sources = _summed(everyone)
    total = _sum(sources.values())
    places = [(one.source_id, one.dept_code, one.area_code, one.tally) for one in everyone]
    places += [(source, None, None, tally) for source, tally in sources.items() if _departments(everyone, source) > 1]
    for source, dept, area, own in places:
        if source_id not in (None, source):
            continue
        expected = no_negative(own, total.less(own), finds.thresholds[NO_NEGATIVE])
        finds.judged(NO_NEGATIVE, expected is not None)
        if expected:
            observed = {"rated": own.rated, "expected": round(expected, 1), "refused_negatives": refused.get(source, 0)}
            rate = Rate(own.rated, own.rated)
            group = Group(source, dept, area, "month", since, until)
            finds.add(NO_NEGATIVE, group, observed, own.rated, own.rated, (), (rate, Rate()))


def _before_service(
    transaction: Transaction,
    finds: Finds,
    sources: dict[str, Tally],
    since: datetime,
    until: datetime,
    source_id: str | None,
) -> None:
    """Those that intake refused; they are not in the ledger, so the rates stay as they are."""
    counts = _landed(transaction, since, until)
    found = observations.refused(transaction, "time.before_service", since, until, source_id)
    for source, places in _by_source(found):
        _add_refused(finds, BEFORE, Group(source, None, None, "month", since, until), places, counts, sources)


def _device_clocks(
    transaction: Transaction,
    finds: Finds,
    sources: dict[str, Tally],
    since: datetime,
    until: datetime,
    source_id: str | None,
) -> None:
    counts = _landed(transaction, since, until)
    refused = dict(_by_source(observations.refused(transaction, "time.future", since, until, source_id)))
    for source, landed in counts.items():
        if source_id not in (None, source):
            continue
        places = refused.get(source, [])
        fast = future_refusals(len(places), landed, finds.thresholds[CLOCK])
        finds.judged(CLOCK, fast is not None)
        if fast:
            _add_refused(finds, CLOCK, Group(source, None, None, "month", since, until), places, counts, sources)


def _add_refused(
    finds: Finds, detector: str, group: Group, places: list[Place], counts: dict[str, int], sources: dict[str, Tally]
) -> None:
    rule = {BEFORE: "time.before_service", CLOCK: "time.future"}[detector]
    keys = [f"{place.page_id}:{place.page_index}" for place in places]
    own = sources.get(group.source_id, Tally(0, 0))
    rate = Rate(own.rated - own.negative, own.rated)
    observed = {"rule": rule, "refused": len(places)}
    finds.add(detector, group, observed, counts.get(group.source_id, len(places)), len(places), keys, (rate, rate))


def _landed(transaction: Transaction, since: datetime, until: datetime) -> dict[str, int]:
    return {line.source_id: line.landed for line in figures.source_counts(transaction, since, until)}


def _by_source(places: Iterable[Place]) -> list[tuple[str, list[Place]]]:
    return [(source, [*these]) for source, these in groupby(places, key=lambda place: place.source_id)]


def _summed(everyone: list[SourceTally]) -> dict[str, Tally]:
    sources: defaultdict[str, list[Tally]] = defaultdict(list)
    for one in everyone:
        sources[one.source_id].append(one.tally)
    return {source: _sum(tallies) for source, tallies in sources.items()}


def _departments(everyone: list[SourceTally], source_id: str) -> int:
    return sum(one.source_id == source_id for one in everyone)


def _sum(tallies: Iterable[Tally]) -> Tally:
    rated = negative = 0
    for tally in tallies:
        rated, negative = rated + tally.rated, negative + tally.negative
    return Tally(rated, negative)
