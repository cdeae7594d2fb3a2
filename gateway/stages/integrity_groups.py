"""Groups of evaluations: a source's departments by day and by window, streamed past the detectors one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

from gateway.domain.integrity import (
    GROUP_DETECTORS,
    Observation,
    Signal,
    SourceWide,
    rate_of,
)
from gateway.domain.integrity.observation import DAY
from gateway.domain.region import common
from gateway.stages.context import Context
from gateway.stages.integrity_finds import Finds, Group
from gateway.stages.integrity_observe import LOCAL, observe
from gateway.store import observations
from gateway.store.observations import Evaluated

MONTH, DAY_PERIOD = "month", "day"
TRACED = "unmarked_default"
Held = tuple[Group, Signal, Sequence[Observation]]


def look_at_groups(context: Context, finds: Finds, since: datetime, until: datetime, source_id: str | None) -> None:
    """Judge every department of every source in the window ``[since, until)``."""
    with context.store.read() as transaction:
        rows = observations.evaluations(transaction, since, until, source_id)
        for source, of_source in groupby(rows, key=lambda row: row.source_id):
            _Source(context, finds, source, since, until).look(of_source)


class _Source:
    """One source in one window."""

    def __init__(self, context: Context, finds: Finds, source_id: str, since: datetime, until: datetime) -> None:
        self.context, self.finds, self.source_id, self.since, self.until = context, finds, source_id, since, until
        file = context.sources.get(source_id)
        connector = "" if file is None else file.connector
        self.rules = {
            name: replace(finds.thresholds[name], source_id=source_id, connector=connector) for name in GROUP_DETECTORS
        }
        self.wide = SourceWide(self.rules)
        self.logins = False  # does this source hand over logins at all?
        self.untraced: list[Held] = []

    def look(self, rows: Iterator[Evaluated]) -> None:
        for dept, of_dept in groupby(rows, key=lambda row: row.dept_code):
            areas: set[str | None] = set()
            group: list[Observation] = []
            for row in of_dept:
                areas.add(row.area_code)
                seen = observe(row, self.context.vault)
                self.finds.evaluations += 1
                if seen is not None and seen.origin != "default":
                    group.append(seen)
                    self.wide.add(seen)
                    self.logins = self.logins or seen.login
            area = common(areas)  # of a county's department that serves its towns: the county
            self._judge(Group(self.source_id, dept, area, MONTH, self.since, self.until), group)
            for day, of_day in groupby(group, key=lambda one: one.day):
                start = datetime.fromtimestamp(day * DAY, UTC) - LOCAL
                self._judge(Group(self.source_id, dept, area, DAY_PERIOD, start, start + timedelta(days=1)), [*of_day])
        self._settle_untraced()
        self._judge_wide()

    def _judge(self, group: Group, records: Sequence[Observation]) -> None:
        for detector, detect in GROUP_DETECTORS.items():
            rule = self.rules[detector]
            if group.period not in rule.windows:
                continue
            signals = detect(records, rule)
            if detector == TRACED and signals is not None:
                self.untraced += [(group, signal, records) for signal in signals] or [(group, _NOTHING, ())]
                continue
            self.finds.judged(detector, signals is not None)
            for signal in signals or ():
                self._add(detector, group, signal, records)

    def _settle_untraced(self) -> None:
        """Where a source never hands over a login, its absence says nothing."""
        for group, signal, records in self.untraced:
            self.finds.judged(TRACED, self.logins)
            if self.logins and signal is not _NOTHING:
                self._add(TRACED, group, signal, records)

    def _add(self, detector: str, group: Group, signal: Signal, records: Sequence[Observation]) -> None:
        rate = rate_of(records)
        keys = [one.record_key for one in signal.affected[: self.finds.thresholds.record_keys]]
        rates = (rate, rate.less(rate_of(signal.affected)))
        self.finds.add(detector, group, signal.observed, signal.size, len(signal.affected), keys, rates)

    def _judge_wide(self) -> None:
        group = Group(self.source_id, None, None, MONTH, self.since, self.until)
        for detector, signals in self.wide.judged():
            self.finds.judged(detector, signals is not None)
            for signal in signals or ():
                rates = (self.wide.rate, self.wide.rate.less(signal.rate))
                told = (signal.observed, signal.size, signal.affected, signal.record_keys)
                self.finds.add(detector, group, *told, rates, dict(self.rules[detector]["source"]))


_NOTHING = Signal({}, 0, ())
