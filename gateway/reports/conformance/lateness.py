"""How long records took from their event to us, in bounded memory however many there are."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from gateway.reports.conformance.document import Kind, LagBar, Timeliness

MINUTE, HOUR, DAY = 60, 3_600, 86_400
BARS: tuple[int | None, ...] = (10 * MINUTE, HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, None)
SECOND = timedelta(seconds=1)


class Lateness:
    """Lags of one kind of record. At most 7,200 + 10,080 different values below a week, and one an hour beyond."""

    def __init__(self, since: datetime, timely_seconds: int) -> None:
        self._since = since
        self._timely_seconds = timely_seconds
        self._lags = Counter[int]()
        self._late = self._earlier = self._ahead = 0
        self._bars = Counter[int | None]()
        self._within = Counter[int]()

    def add(self, event_at: datetime, received_at: datetime) -> None:
        lag = (received_at - event_at) // SECOND
        self._ahead += lag < 0
        self._earlier += event_at < self._since
        self._late += lag > self._timely_seconds
        self._bars[next(upto for upto in BARS if upto is None or lag <= upto)] += 1
        for limit in (HOUR, DAY):
            self._within[limit] += lag <= limit
        self._lags[_coarse(max(lag, 0))] += 1

    def summary(self, kind: Kind) -> Timeliness:
        total = self._lags.total()
        return Timeliness(
            kind=kind,
            records=total,
            median=self._quantile(50),
            p90=self._quantile(90),
            p99=self._quantile(99),
            within_hour=share(self._within[HOUR], total),
            within_day=share(self._within[DAY], total),
            timely=share(total - self._late, total),
            late=self._late,
            earlier_period=self._earlier,
            ahead=self._ahead,
            bars=[LagBar(upto=upto, records=self._bars[upto]) for upto in BARS],
        )

    def _quantile(self, percent: int) -> int | None:
        """The least lag that at least ``percent`` of the records don't exceed (nearest rank)."""
        rank = -(-self._lags.total() * percent // 100)
        for lag, records in sorted(self._lags.items()):
            rank -= records
            if rank <= 0:
                return lag
        return None


def share(part: int, whole: int) -> float | None:
    """``part`` of ``whole``; none of nothing."""
    return round(part / whole, 6) if whole else None


def _coarse(lag: int) -> int:
    step = 1 if lag < 2 * HOUR else MINUTE if lag < 7 * DAY else HOUR
    return lag - lag % step
