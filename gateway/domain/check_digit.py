"""Check digits of Chinese identifiers (records.md section 6). Values are compared as they are: upper case first.

Where the weights of a code's characters are powers of one number, to a modulus, the weighted sum is the code itself
read as a number: to any base that leaves that power. Python reads numbers faster than it adds up characters.
"""

from __future__ import annotations

from datetime import date
from operator import mul
from typing import Final

_ORGANISATION_VALUES = {character: value for value, character in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

# Parts of codes: a slice that is there costs half of one that is made.
_CREDIT_BODY, _INNER, _BIRTH = slice(16, None, -1), slice(8, 16), slice(6, 14)

_CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # no I O S V Z
_CREDIT_BASE: Final = 34  # 3 beyond 31: the weights are powers of 3, from left to right
_DIGITS: Final = bytes.maketrans(_CREDIT_ALPHABET.encode(), b"0123456789ABCDEFGHIJKLMNOPQRSTU")
_FOREIGN: Final = bytes(set(range(256)) - set(_CREDIT_ALPHABET.encode()))
_CREDIT_CHECKS: Final = _CREDIT_ALPHABET[0] + _CREDIT_ALPHABET[:0:-1]  # by what the body leaves of 31

_INNER_BASE: Final = 35  # 2 beyond 33: the weights are powers of 2, from right to left
_INNER_CHECKS: Final = "097531X8642"  # by what the organisation code's body leaves of 11

_IDENTITY_BASE: Final = 13  # 2 beyond 11: likewise; the check character makes the whole leave 1
_TEN: Final = "A"  # to this base, what the check character calls X
_day = date.fromisoformat


def organisation_code_valid(code: str) -> bool:
    """组织机构代码, GB 11714: nine characters without the hyphen."""
    if len(code) != 9:
        return False
    try:
        total = sum(map(mul, map(_ORGANISATION_VALUES.__getitem__, code[:8]), _ORGANISATION_WEIGHTS))
    except KeyError:
        return False
    return code[8] == "0123456789X0"[11 - total % 11]


def credit_code_valid(code: str) -> bool:
    """统一社会信用代码, GB 32100: eighteen characters; characters 9 to 17 are an organisation code."""
    try:
        digits = code.encode().translate(_DIGITS, _FOREIGN)
    except ValueError:
        return False
    if len(code) != 18 or len(digits) != 18:
        return False
    if code[17] != _CREDIT_CHECKS[int(digits[_CREDIT_BODY], _CREDIT_BASE) % 31]:
        return False
    return code[16] == _INNER_CHECKS[int(code[_INNER], _INNER_BASE) % 11]


def identity_number_valid(number: str) -> bool:
    """公民身份号码, GB 11643: eighteen characters with a real date of birth."""
    if len(number) != 18:
        return False
    digits = whole = number
    if number[17] == "X":
        digits, whole = number[:17], number[:17] + _TEN
    try:
        _day(number[_BIRTH])
        return digits.encode().isdigit() and int(whole, _IDENTITY_BASE) % 11 == 1
    except ValueError:
        return False
