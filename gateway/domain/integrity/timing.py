"""Ratings whose times were made by a program."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from gateway.domain.integrity.observation import DAY, Observation, Result, Signal
from gateway.domain.integrity.thresholds import DetectorRule

BASES = ("service", "accept", "result", "create")
MINUTE = 60


def fixed_lag(group: Sequence[Observation], rule: DetectorRule) -> Result:
    """One exact lag in seconds behind service, acceptance, result or application is too frequent.

    Bases that hold the same moments (a service that is the result) give one signal, of the first such base.
    """
    if len(group) < rule.minimum:
        return None
    signals: list[Signal] = []
    seen: set[tuple[int, int]] = set()
    for base in BASES:
        lags = Counter(lag for one in group if (lag := _lag(one, base)) is not None)
        for lag, count in lags.most_common():
            if count < rule["share"] * len(group):
                break
            if (lag, count) not in seen:
                seen.add((lag, count))
                affected = [one for one in group if _lag(one, base) == lag]
                signals.append(Signal({"base": base, "lag_seconds": lag, "count": count}, len(group), affected))
    return signals


def delayed_default(group: Sequence[Observation], rule: DetectorRule) -> Result:
    """Ratings of one level come a whole number of days after completion, as a default set by a timer would.

    People come back at the same hour of another day too; so most of the ratings of that day must keep to the hour.
    """
    levels: defaultdict[int, list[Observation]] = defaultdict(list)
    for one in group:
        if (one.result if one.result is not None else one.service) is not None:
            levels[one.satisfaction].append(one)
    judged = {level: rated for level, rated in levels.items() if len(rated) >= rule.minimum}
    if not judged:
        return None
    signals = []
    for level, rated in sorted(judged.items()):
        by_days: defaultdict[int, list[Observation]] = defaultdict(list)
        for one in rated:
            by_days[_days(one)].append(one)
        for days, of_day in sorted(by_days.items()):
            same = [one for one in of_day if abs(_since(one) - days * DAY) <= rule["tolerance"]]
            least = max(rule["count"], rule["share"] * len(rated), rule["concentration"] * len(of_day))
            if days >= 1 and len(same) >= least:
                observed = {"days": days, "satisfaction": level, "count": len(same)}
                signals.append(Signal(observed, len(rated), same))
    return signals


def scheduled_burst(group: Sequence[Observation], rule: DetectorRule) -> Result:
    """Many ratings of one department in one second, or half of its day in one minute. ``group``: one day."""
    signals = [
        Signal({"second": clock(moment % DAY), "count": len(same)}, len(group), same)
        for moment, same in _same(group, 1)
        if len(same) >= rule["same_second"]
    ]
    if len(group) < rule.minimum:
        return signals or None
    signals += [
        Signal({"minute": clock(moment % DAY)[:5], "count": len(same)}, len(group), same)
        for moment, same in _same(group, MINUTE)
        if len(same) >= rule["minute_share"] * len(group)
    ]
    return signals


def before_service(group: Sequence[Observation], rule: DetectorRule) -> Result:
    """Any rating older than the service that it rates. Smaller groups are judged too: one is enough."""
    affected = [one for one in group if one.service is not None and one.assess < one.service]
    if len(affected) < rule["count"]:
        return []
    return [Signal({"rule": "time.before_service", "count": len(affected)}, len(group), affected)]


def clock(seconds: int) -> str:
    """A time of day, ``HH:mm:ss``."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _lag(one: Observation, base: str) -> int | None:
    moment: int | None = getattr(one, base)
    return None if moment is None else one.assess - moment


def _since(one: Observation) -> int:
    """Seconds since completion: since the result, or the service where there is none."""
    completed = one.result if one.result is not None else one.service
    return one.assess - (completed or 0)


def _days(one: Observation) -> int:
    return (_since(one) + DAY // 2) // DAY


def _same(group: Sequence[Observation], unit: int) -> Iterator[tuple[int, list[Observation]]]:
    """Ratings by the start of their second or minute, in order."""
    together: defaultdict[int, list[Observation]] = defaultdict(list)
    for one in group:
        together[one.assess // unit * unit].append(one)
    yield from sorted(together.items())
