"""Moments as sources write them: told apart, compared by number, and moved back without changing their form.

Known are dates and times written out (``2026-11-20 08:00:00``, with ``T``, ``/``, fractions, an offset or none,
``20261120080000``), epoch seconds and milliseconds. Without an offset they are taken as Asia/Shanghai.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from gateway.errors import Misconfigured

Moment = str | int
WRITTEN = re.compile(
    r"(?P<y>\d{4})(?P<d>[-/.]?)(?P<m>\d\d)(?P=d)(?P<day>\d\d)"
    r"(?:(?P<gap>[ T]?)(?P<H>\d\d)(?P<c>:?)(?P<M>\d\d)(?:(?P=c)(?P<S>\d\d)(?:(?P<dot>[.,])(?P<f>\d{1,9}))?)?)?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)?"
)
EPOCH_MS = 10**11  # an epoch number beyond it counts milliseconds: as seconds it would lie after the year 5000
SHANGHAI = timezone(timedelta(hours=8))
AHEAD = 8 * 3600.0
START = datetime(1970, 1, 1)  # noqa: DTZ001


@lru_cache(maxsize=4096)
def seconds(moment: Moment) -> float:
    """``moment`` as seconds since the epoch. Raises ``Misconfigured('paging.moment_form')``."""
    if isinstance(moment, int) or _is_epoch(moment):
        number = int(moment)
        return number / 1000 if number >= EPOCH_MS else float(number)
    if (usual := _usual(moment)) is not None:
        return (usual - START).total_seconds() - AHEAD
    when, parts = _parsed(moment)
    zone = parts["zone"] or "+0800"
    ahead = 0 if zone == "Z" else int(zone[:3]) * 3600 + int(zone[0] + zone[-2:]) * 60
    return (when - START).total_seconds() - ahead


def in_form(moment: Moment, form: str) -> str:
    """``moment`` written by ``form``, see :func:`written`; never later than it is."""
    return written(datetime.fromtimestamp(seconds(moment), SHANGHAI), form)


def earlier(moment: str, by: float) -> str:
    """``moment`` moved back by seconds, in the form that it came in; never later than asked when it must round."""
    if _is_epoch(moment):
        number = int(moment)
        return str(max(0, int(number - by * 1000) if number >= EPOCH_MS else int(number - by)))
    when, parts = _parsed(moment)
    try:
        return _written(when - timedelta(seconds=by), parts)
    except OverflowError:
        return _written(START, parts)


def in_like(sample: Moment, when: datetime) -> str:
    """``when`` (aware) in the form of ``sample``, never later than it is."""
    return earlier(str(sample), seconds(sample) - when.timestamp())


def written(when: datetime, form: str) -> str:
    """``when`` (aware) by ``form``: ``seconds``, ``milliseconds``, or a pattern like ``yyyy-MM-dd HH:mm:ss``."""
    if form == "seconds":
        return str(int(when.timestamp()))
    if form == "milliseconds":
        return str(int(when.timestamp() * 1000))
    pieces = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "SSS": f"{when:%f}"[:3]}
    offset = f"{when:%z}"
    pieces["XXX"] = f"{offset[:3]}:{offset[3:]}"
    return when.strftime(re.sub(r"yyyy|MM|dd|HH|mm|ss|SSS|XXX", lambda part: pieces[part[0]], form).replace("'", ""))


def _is_epoch(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) in range(9, 14)


def _usual(text: str) -> datetime | None:
    """``2026-11-20 08:00:00``, which most sources write, read in a tenth of the time."""
    if len(text) != 19 or text[4::3] != "-- ::":
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _parsed(text: str) -> tuple[datetime, re.Match[str]]:
    parts = WRITTEN.fullmatch(text)
    if parts is None:
        raise Misconfigured("paging.moment_form")
    numbers = [int(parts[name] or 0) for name in ("y", "m", "day", "H", "M", "S")]
    fraction = int((parts["f"] or "0").ljust(6, "0")[:6])
    try:
        return datetime(*numbers, fraction), parts  # type: ignore[arg-type,call-arg]  # noqa: DTZ001
    except ValueError as impossible:
        raise Misconfigured("paging.moment_form") from impossible


def _written(when: datetime, parts: re.Match[str]) -> str:
    text = f"{when.year:04}{parts['d']}{when.month:02}{parts['d']}{when.day:02}"
    if parts["H"] is not None:
        text += f"{parts['gap']}{when.hour:02}{parts['c']}{when.minute:02}"
    if parts["S"] is not None:
        text += f"{parts['c']}{when.second:02}"
    if parts["f"] is not None:
        text += parts["dot"] + f"{when.microsecond:06}".ljust(9, "0")[: len(parts["f"])]
    return text + (parts["zone"] or "")


def now() -> datetime:
    """The present in Asia/Shanghai, the clock of those who read what is written with it."""
    return datetime.now(SHANGHAI)
