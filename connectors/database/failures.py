"""What a driver's failure means to whoever must act, by number where there is one; its own words may hold values."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from gateway.errors import GatewayError, Misconfigured, Transient

UNAUTHORISED, REFUSED, MISSING, SLOW, BUSY, AWAY = "unauthorised", "refused", "missing", "slow", "busy", "away"
SQLSTATES = {  # PostgreSQL and its kin, by prefix
    "28": UNAUTHORISED,
    "42501": REFUSED,
    "25006": REFUSED,
    "42P01": MISSING,
    "42703": MISSING,
    "3F000": MISSING,
    "3D000": MISSING,
    "42": MISSING,  # a statement that it can't make sense of: types that don't go together
    "57014": SLOW,
    "40": BUSY,
    "55P03": BUSY,
    "53": BUSY,
    "08": AWAY,
    "57P": AWAY,
}
NUMBERS = {  # MySQL and MariaDB
    **dict.fromkeys((1045, 1698, 1130, 1862), UNAUTHORISED),
    **dict.fromkeys((1044, 1142, 1143, 1227, 1290, 1792), REFUSED),
    **dict.fromkeys((1049, 1054, 1146), MISSING),
    **dict.fromkeys((1317, 1969, 3024), SLOW),
    **dict.fromkeys((1040, 1203, 1205, 1213), BUSY),
    **dict.fromkeys((2002, 2003, 2006, 2013, 2014), AWAY),
}
SAID = (  # where there is no number: SQLite, and libpq before the session stands
    (("too many", "connection slots"), BUSY),  # before what names a role
    (("password", "authentication", "role", "pg_hba"), UNAUTHORISED),
    (("no such table", "no such column", "does not exist"), MISSING),
    (("readonly", "not a database", "unable to open", "malformed", "permission"), REFUSED),
    (("interrupted", "timed out", "timeout"), SLOW),
    (("locked", "busy"), BUSY),
)
CODES: dict[str, tuple[type[GatewayError], str]] = {
    UNAUTHORISED: (Misconfigured, "database.unauthorised"),
    REFUSED: (Misconfigured, "database.refused"),
    MISSING: (Misconfigured, "database.missing"),
    SLOW: (Transient, "database.slow"),
    BUSY: (Transient, "database.busy"),
    AWAY: (Transient, "database.unreachable"),
}


@contextmanager
def translated(address: str, action: str) -> Iterator[None]:
    """Foreign errors of the block as ours. ``address``: shown; ``action``: ``connect``, ``read``, ``flag``."""
    try:
        yield
    except exc.NoSuchTableError as missing:
        raise Misconfigured("database.missing", address=address, action=action) from missing
    except exc.DBAPIError as failed:
        kind, code = CODES[meaning(failed.orig or failed)]
        raise kind(code, address=address, action=action) from failed
    except UnicodeDecodeError as other:
        raise Misconfigured("database.charset", address=address, action=action) from other
    except TimeoutError as late:
        raise Transient("database.slow", address=address, action=action) from late
    except exc.TimeoutError as full:
        raise Transient("database.busy", address=address, action=action) from full


def meaning(failed: BaseException) -> str:
    """One of the words above; what nobody knows may heal by itself."""
    number = failed.args[0] if failed.args and isinstance(failed.args[0], int) else None
    state = str(getattr(failed, "sqlstate", None) or "")
    if number in NUMBERS:
        return SLOW if "timed out" in str(failed) and NUMBERS[number] == AWAY else NUMBERS[number]
    if state or number is not None:
        return next((word for prefix, word in SQLSTATES.items() if state.startswith(prefix)), AWAY)
    said = str(failed).lower()
    words: Iterator[str] = (word for marks, word in SAID if any(mark in said for mark in marks))
    return next(words, REFUSED if isinstance(failed, sqlite3.DatabaseError) else AWAY)
