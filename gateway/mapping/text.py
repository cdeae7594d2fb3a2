"""Scalars of a source record as text, and the first step of normalisation (records.md section 5).

Values that Python holds for equal (``1``, ``1.0``, ``true``) have the same text, so that conversions may be remembered
by value. ``None`` and blank text are no value.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

SINGLE_VALUE, WHOLE_CHARACTERS = "a single value", "whole characters: one was cut in half"
EXACT_NUMBER = "a number of at most 15 digits; longer ones as text"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
_HALVES = re.compile(r"[\ud800-\udfff]")  # of characters beyond the basic plane: half of one has no UTF-8
SHORT = 256  # characters of a raw value that conversions may be remembered by, lest memory grow with what is sent
EXACT = 10**15  # from here on a float may have lost digits: of a JSON number beyond 64 bits, or in a spreadsheet's cell


class NotAScalarError(ValueError):
    """A list or an object stands where a single value is expected; or a number whose last digits are lost, or that is
    none; or a text that was cut within a character. Its text says what was expected.
    """


def text(raw: Any) -> str | None:
    """``raw`` as the source wrote it; None when there is none."""
    if raw.__class__ is str:
        if not raw.isascii() and _HALVES.search(raw):
            raise NotAScalarError(WHOLE_CHARACTERS)
        return raw if raw else None
    if raw is None:
        return None
    if isinstance(raw, (bool, int)):
        return str(int(raw))
    if isinstance(raw, float):
        if not abs(raw) < EXACT:  # nor when it is no number
            raise NotAScalarError(EXACT_NUMBER)
        return str(int(raw)) if raw.is_integer() else repr(raw)
    raise NotAScalarError(SINGLE_VALUE)


def tidy(raw: Any) -> str | None:
    """NFKC, controls removed, trimmed: for codes and names. Full-width forms become half-width by it."""
    found = text(raw)
    if found is None:
        return None
    if not (found.isascii() and found.isprintable()):
        found = _CONTROLS.sub("", unicodedata.normalize("NFKC", found))
    return found.strip() or None


def trimmed(raw: Any) -> str | None:
    """Free text: trimmed only, never rewritten."""
    found = text(raw)
    return (found.strip() or None) if found is not None else None


def shown(raw: Any) -> str | None:
    """A raw value for a problem: at most 500 characters, none of them by halves."""
    if raw is None:
        return None
    return whole(raw if isinstance(raw, str) else repr(raw))[:500]


def whole(text_: str) -> str:
    """``text_`` with a mark (U+FFFD) for each half of a character, so that it can be written anywhere."""
    return text_ if text_.isascii() else _HALVES.sub("\ufffd", text_)
