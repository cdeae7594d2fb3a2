"""Times of sources to wire form ``yyyy-MM-dd HH:mm:ss`` in Asia/Shanghai, and wire form to UTC without zone.

A time is never repaired or shifted; a fraction of a second is cut, since the wire has none. The standard library's
parser is the fastest at hand, but takes more than the wire form: the separators are checked beside it, by one slice,
and the hour where the parser takes 24:00 for the next midnight (later Pythons do).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from gateway.mapping.text import tidy

SEPARATORS: Final = slice(4, None, 3)  # of a time in wire form: "-- ::"
SHANGHAI: Final = timedelta(hours=8)  # no daylight saving since 1991
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC without zone by contract
_EXCEL_1900: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - serials carry no zone
_EXCEL_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001 - of workbooks that count as old Macintoshes did

_DATE_ONLY = re.compile(r"[0-9]{4}([-/.年]?)[0-9]{1,2}([-/.月]?)[0-9]{1,2}日?")
_RFC_3339 = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9:]{8})(?:\.[0-9]+)?(Z|z|[+-][0-9]{2}:[0-9]{2})?")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T?([0-9]{2})([0-9]{2})([0-9]{2})")
_SERIAL = re.compile(r"[0-9]{5}(?:\.[0-9]+)?")
_EPOCH_MS = re.compile(r"[0-9]{12,13}")
_EPOCH_S = re.compile(r"[0-9]{9,10}")


def _takes_24() -> bool:
    try:
        datetime.fromisoformat("2026-01-01 24:00:00")
    except ValueError:
        return False
    return True


TAKES_24: Final = _takes_24()


class UnparsableError(ValueError):
    """Not a time in this form."""


def at(wire: str) -> datetime:
    """A time in wire form as UTC without zone; ValueError when it is none."""
    if wire[SEPARATORS] != "-- ::" or wire[11:13] > "23":
        raise UnparsableError
    return datetime.fromisoformat(wire) - SHANGHAI


def to_wire(moment: datetime) -> str:
    """An aware moment, or one in UTC without zone, in wire form."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return (moment + SHANGHAI).isoformat(" ", "seconds")


def _wire(raw: Any) -> str:
    if raw.__class__ is not str:
        raise UnparsableError
    at(raw)
    return str(raw)


def _compact(raw: Any) -> str:
    matched = _COMPACT.fullmatch(str(raw))
    if matched is None:
        raise UnparsableError
    year, month, day, hour, minute, second = matched.groups()
    return _wire(f"{year}-{month}-{day} {hour}:{minute}:{second}")


def _rfc_3339(raw: Any) -> str:
    matched = _RFC_3339.fullmatch(str(raw))
    if matched is None:
        raise UnparsableError
    day, clock, offset = matched.groups()
    local = _wire(f"{day} {clock}")
    if offset in {None, "+08:00"}:
        return local
    ahead = timedelta() if offset in "Zz" else timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
    moment = at(local) + SHANGHAI
    return to_wire(moment + ahead if offset[0] == "-" else moment - ahead)


def _epoch_ms(raw: Any) -> str:
    return _epoch(raw, _EPOCH_MS, 1000)


def _epoch_s(raw: Any) -> str:
    return _epoch(raw, _EPOCH_S, 1)


def _epoch(raw: Any, form: re.Pattern[str], ticks: int) -> str:
    """The number of digits tells seconds from milliseconds: one taken for the other would be a time in 1970."""
    if form.fullmatch(str(raw)) is None:
        raise UnparsableError
    return to_wire(_EPOCH + timedelta(seconds=int(raw) // ticks))


def _excel_serial(raw: Any, epoch: datetime = _EXCEL_1900) -> str:
    written = str(raw)
    if _SERIAL.fullmatch(written) is None:
        raise UnparsableError
    if "." not in written or not float(written) % 1:
        raise UnparsableError
    return (epoch + timedelta(seconds=round(float(written) * 86_400))).isoformat(" ", "seconds")


FORMS: Final[dict[str, Callable[[Any], str]]] = {
    "yyyy-MM-dd HH:mm:ss": _wire,
    "yyyyMMddHHmmss": _compact,
    "rfc3339": _rfc_3339,
    "epoch_s": _epoch_s,
    "epoch_ms": _epoch_ms,
    "excel_serial": _excel_serial,
    "excel_serial_1904": partial(_excel_serial, epoch=_EXCEL_1904),
}
USUAL_FORMS: Final = ("yyyy-MM-dd HH:mm:ss", "yyyyMMddHHmmss", "rfc3339")


def reader(forms: tuple[str, ...]) -> Callable[[Any], str]:
    """A function that reads a time in the first of ``forms`` that fits; UnparsableError when none does."""
    readers = [FORMS[form] for form in forms]

    def read(raw: Any) -> str:
        for read_form in readers:
            try:
                return read_form(raw)
            except (ValueError, OverflowError):
                continue
        raise UnparsableError

    return read


def is_date_only(raw: Any, forms: tuple[str, ...]) -> bool:
    """A day without a clock time, which is never taken for midnight."""
    written = tidy(raw)
    if written is None:
        return False
    if any(form.startswith("excel_serial") for form in forms) and _SERIAL.fullmatch(written):
        return True
    return _DATE_ONLY.fullmatch(written) is not None
