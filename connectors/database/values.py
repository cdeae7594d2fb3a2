"""Values of rows: as JSON in a page, and kept in a cursor so that they come back as what they were."""

from __future__ import annotations

import base64
import hashlib
import math
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from gateway.errors import Misconfigured

MARK_BYTES = 9  # 12 characters of base64; two rows in a lookback's thousands are alike once in 10^14
FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y-%m-%d", "%Y%m%d")
EPOCH_MS = 10**11


def shown(value: Any, bytes_are: str | None) -> Any:
    """As a page writes it: numbers as numbers, exact decimals and times as text, bytes as text or hex."""
    match value:
        case None | str() | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime():
            return value.isoformat(sep=" ")
        case Decimal():
            return format(value, "f")
        case bytes() | bytearray() | memoryview():
            return _text(bytes(value), bytes_are)
        case date() | time() | timedelta() | uuid.UUID():
            return str(value)
        case _:
            return str(value)


def encoded(row: Sequence[Any], names: Sequence[str], bytes_are: str | None) -> bytes:
    """A row as a JSON object, always the same bytes for the same values."""
    return msgspec.json.encode({name: shown(value, bytes_are) for name, value in zip(names, row, strict=True)})


def mark(record: bytes) -> str:
    """Tells a row's content; nothing of it can be read from it."""
    return base64.urlsafe_b64encode(hashlib.blake2b(record, digest_size=MARK_BYTES).digest()).decode()


def kept(value: Any) -> list[str]:
    """A key's or a time's value for the cursor. Raises ``Misconfigured('database.key_type')``."""
    match value:
        case bool() | float():
            pass
        case str():
            return ["str", value]
        case int():
            return ["int", str(value)]
        case Decimal():
            return ["decimal", str(value)]
        case datetime():
            return ["datetime", value.isoformat()]
        case date():
            return ["date", value.isoformat()]
        case uuid.UUID():
            return ["uuid", str(value)]
        case bytes():
            return ["bytes", value.hex()]
    raise Misconfigured("database.key_type", found=type(value).__name__)


def revived(value: Sequence[str]) -> Any:
    """What :func:`kept` was given. Raises ``ValueError``, ``KeyError`` for a cursor that is none of ours."""
    kind, text = value
    return REVIVE[kind](text)


REVIVE: dict[str, Any] = {
    "str": str,
    "int": int,
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "uuid": uuid.UUID,
    "bytes": bytes.fromhex,
}


def back(value: Any, seconds: int) -> Any:
    """``value``, a time, moved back, in the form that it came in; itself where it has no known form."""
    if isinstance(value, datetime | date):
        return value - timedelta(seconds=seconds) if isinstance(value, datetime) else value - timedelta(days=1)
    if isinstance(value, int | Decimal):
        return value - seconds * (1000 if value >= EPOCH_MS else 1)
    if isinstance(value, str):
        head, form = _form_of(value)
        if form is not None:
            return (datetime.strptime(head, form) - timedelta(seconds=seconds)).strftime(form)  # noqa: DTZ007
    return value


def like(sample: Any, when: datetime, zone: Any) -> Any:
    """``when`` (aware) as a column holds times whose ``sample`` is known; written out where none is."""
    local = when.astimezone(zone)
    match sample:
        case datetime():
            return local if sample.tzinfo else local.replace(tzinfo=None)
        case date():
            return local.date()
        case int() | Decimal():
            return type(sample)(int(when.timestamp() * (1000 if sample >= EPOCH_MS else 1)))
        case str():
            return local.strftime(_form_of(sample)[1] or FORMS[0])
    return local.strftime(FORMS[0])


def moment(value: Any, zone: Any) -> datetime | None:
    """``value`` on the time line, a bare one as in ``zone``; ``None`` where it has no known form."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=zone)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=zone)
    if isinstance(value, str):
        head, form = _form_of(value)
        return None if form is None else datetime.strptime(head, form).replace(tzinfo=zone)
    if isinstance(value, int | Decimal):
        try:
            return datetime.fromtimestamp(float(value) / (1000 if value >= EPOCH_MS else 1), UTC)
        except (OverflowError, ValueError, OSError):
            return None
    return None


def _form_of(text: str) -> tuple[str, str | None]:
    """The text without fractions of a second, and the form that gives it back letter by letter."""
    head = text.partition(".")[0].strip()
    for form in FORMS:
        try:
            if datetime.strptime(head, form).strftime(form) == head:  # noqa: DTZ007
                return head, form
        except ValueError:
            continue
    return head, None


def _text(value: bytes, charset: str | None) -> str:
    try:
        return value.decode(charset) if charset else value.hex()
    except UnicodeDecodeError:
        return value.hex()
