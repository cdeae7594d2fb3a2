"""Lags, days, times of day and nights that stand out from the moments beside them, over a whole source."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from gateway.domain.integrity.observation import DAY, Observation
from gateway.domain.integrity.thresholds import DetectorRule
from gateway.domain.integrity.timing import clock
from gateway.domain.integrity.wide.counted import Counted
from gateway.domain.integrity.wide.wide_signal import WideSignal

MINUTE, HOUR = 60, 60  # in seconds, in minutes
NOON = DAY // 2
LONGEST_LAG = 3 * DAY
LONGEST_DELAY = 31 * DAY // MINUTE


class FixedLag:
    """A lag that is far more frequent than the lags beside it; in minutes where the source knows no seconds."""

    def __init__(self, rule: DetectorRule) -> None:
        self._rule = rule
        self._lags = Counted(LONGEST_LAG)

    def add(self, one: Observation) -> None:
        if one.service is not None and 0 <= one.assess - one.service < LONGEST_LAG:
            self._lags.add(one.assess - one.service, one)

    def signals(self) -> list[WideSignal] | None:
        values, lags = self._rule["source"], self._lags
        if lags.size < values["minimum"]:
            return None
        least = max(values["count"], values["share"] * lags.size)
        signals = []
        for span in lags.peaks(lags.unit(MINUTE), least, values["neighbours"], values["times_neighbours"]):
            observed = {"base": "service", "lag_seconds": span.start, "count": span.came}
            signals.append(WideSignal(observed, lags.size, span.came, *lags.evidence(span.start, span.end)))
        return signals


class DelayedDefault:
    """Ratings of one level at a whole number of days after completion: more within the hour than in those beside."""

    def __init__(self, rule: DetectorRule) -> None:
        self._rule = rule
        self._delays: defaultdict[int, Counted] = defaultdict(lambda: Counted(LONGEST_DELAY))

    def add(self, one: Observation) -> None:
        completed = one.result if one.result is not None else one.service
        if completed is not None and 0 <= one.assess - completed < LONGEST_DELAY * MINUTE:
            self._delays[one.satisfaction].add((one.assess - completed) // MINUTE, one)

    def signals(self) -> list[WideSignal] | None:
        values = self._rule["source"]
        judged = {level: seen for level, seen in sorted(self._delays.items()) if seen.size >= values["minimum"]}
        if not judged:
            return None
        return [signal for level, seen in judged.items() for signal in self._of(level, seen)]

    def _of(self, level: int, seen: Counted) -> list[WideSignal]:
        values = self._rule["source"]
        near, wide = self._rule["tolerance"] // MINUTE, values["beside"] // MINUTE
        signals = []
        for days in range(1, LONGEST_DELAY * MINUTE // DAY):
            middle = days * DAY // MINUTE
            start, end = middle - near, middle + near + 1
            count = seen.within(start, end)
            beside = seen.within(middle - wide, start) + seen.within(end, middle + wide + 1)
            expected = beside * (end - start) / (2 * (wide - near))
            least = max(values["count"], values["share"] * seen.size)
            if count >= values["times_beside"] * expected and count - expected >= least:
                observed = {"days": days, "satisfaction": level, "count": count, "expected_count": round(expected)}
                signals.append(WideSignal(observed, seen.size, count, *seen.evidence(start, end)))
        return signals


class ScheduledBurst:
    """One second, or one minute, of every day in which far more is rated than in those beside it."""

    def __init__(self, rule: DetectorRule) -> None:
        self._rule = rule
        self._clock = Counted(DAY)

    def add(self, one: Observation) -> None:
        self._clock.add(one.assess % DAY, one)

    def signals(self) -> list[WideSignal] | None:
        values, seen = self._rule["source"], self._clock
        if seen.size < values["minimum"]:
            return None
        least = max(values["count"], values["share"] * seen.size)
        beside = values["neighbours"], values["times_neighbours"]
        signals: list[WideSignal] = []
        told: set[int] = set()  # minutes
        for width in (1, MINUTE):
            if width < seen.unit(MINUTE):
                continue
            for span in seen.peaks(width, least, *beside):
                if span.start // MINUTE not in told:
                    told.add(span.start // MINUTE)
                    at = clock(span.start) if width == 1 else clock(span.start)[:5]
                    observed = {"time_of_day": at, "count": span.came, "expected_count": round(span.expected)}
                    signals.append(WideSignal(observed, seen.size, span.came, *seen.evidence(span.start, span.end)))
        return signals


class DeviceClock:
    """An hour of the night with far more ratings from hall devices than one before it: a clock in another zone.

    People who use a hall at night grow fewer towards the small hours; a day that is shifted into the night doesn't.
    """

    def __init__(self, rule: DetectorRule) -> None:
        self._rule = rule
        self._minutes = Counted(DAY // MINUTE)  # since noon, so that a night is one span

    def add(self, one: Observation) -> None:
        if one.channel in self._rule["channels"]:
            self._minutes.add((one.assess - NOON) % DAY // MINUTE, one)

    def signals(self) -> list[WideSignal] | None:
        values, seen = self._rule["source"], self._minutes
        if seen.size < values["minimum"]:
            return None
        evening, morning = ((values[name] - NOON) % DAY // MINUTE for name in ("evening", "morning"))
        quiet, peak = _rise([_Hour(at, seen.within(at, at + HOUR)) for at in range(evening, morning, HOUR)])
        least = max(values["count"], values["share"] * seen.size)
        if peak.came - quiet.came < least or peak.came < values["times_quiet"] * quiet.came:
            return []
        opens = (self._rule["opens"] - NOON) % DAY // MINUTE
        night = seen.within(quiet.start + HOUR, opens)
        told = {"peak_hour": peak.of_day, "peak": peak.came, "quiet_hour": quiet.of_day, "quiet": quiet.came}
        evidence = seen.evidence(quiet.start + HOUR, opens)
        return [WideSignal(told | {"count": night}, seen.size, night, *evidence)]


class _Hour(NamedTuple):
    start: int  # minutes since noon
    came: int

    @property
    def of_day(self) -> int:
        return (self.start * MINUTE + NOON) % DAY // 3600


def _rise(hours: list[_Hour]) -> tuple[_Hour, _Hour]:
    """The quietest hour so far and a later one, where the difference is greatest."""
    quiet, best = hours[0], (hours[0], hours[1])
    for hour in hours[1:]:
        if hour.came - quiet.came > best[1].came - best[0].came:
            best = quiet, hour
        quiet = min(quiet, hour, key=lambda one: one.came)
    return best
