"""Check digits of Chinese identifiers (records.md section 6). Values are compared as they are: upper case first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from operator import mul
from typing import Final

from gateway.domain.memory import Memory

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # no I O S V Z
_CREDIT_VALUES = {character: value for value, character in enumerate(_CREDIT_ALPHABET)}
_CREDIT_WEIGHTS = (*(pow(3, position, 31) for position in range(17)), 1)
_ORGANISATION_VALUES = {character: value for value, character in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_CHECKS = {character: value for value, character in enumerate("0123456789X")}
_INNER_WEIGHTS = (0,) * 8 + _ORGANISATION_WEIGHTS + (0,) * 2  # of an organisation code within a credit code
_APART = 1 << 20  # keeps two sums in one number
_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CHECKS = "10X98765432"


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
    if len(code) != 18:
        return False
    try:
        total = _OWNER_SUMS[code[_OWNER]] + _PAIR_SUMS_9[code[_PAIR_9]] + _PAIR_SUMS_11[code[_PAIR_11]]
        total += _PAIR_SUMS_13[code[_PAIR_13]] + _PAIR_SUMS_15[code[_PAIR_15]] + _CHECK_SUMS[code[_CHECKS]]
    except KeyError:
        return False
    return not total % _APART % 31 and not total // _APART % 11


def _credit_part(first: int) -> Callable[[str], int]:
    """What the characters from position ``first`` bring to the code's sum, which 31 divides, and, times
    :data:`_APART`, to its organisation code's, which 11 divides. KeyError for a character that is none.
    """

    def brought(part: str) -> int:
        own: int = sum(map(mul, map(_CREDIT_VALUES.__getitem__, part), _CREDIT_WEIGHTS[first:]))
        inner = zip(part, _INNER_WEIGHTS[first:], strict=False)
        return own + _APART * sum(_ORGANISATION_VALUES[character] * weight for character, weight in inner)

    return brought


def _credit_checks(pair: str) -> int:
    """Both check characters; the organisation code's counts 10 as X."""
    return _credit_part(16)(pair) + _APART * _ORGANISATION_CHECKS[pair[0]]


def _weighted(digits: str, first: int) -> int:
    """Sum of ``digits`` under the weights from position ``first``; ValueError for anything but ASCII digits."""
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError
    return sum(int(digit) * weight for digit, weight in zip(digits, _IDENTITY_WEIGHTS[first:], strict=False))


def _year(digits: str) -> int:
    date(int(digits), 1, 1)
    return _weighted(digits, 6)


def _month_and_day(digits: str) -> int:
    date(2000, int(digits[:2]), int(digits[2:]))
    return _weighted(digits, 10)


def _sequence_and_check(tail: str) -> int:
    """What the last four characters leave of a sum that the check character makes divisible by 11."""
    return _weighted(tail[:3], 14) - _IDENTITY_CHECKS.index(tail[3])


# Parts of a code and of a number: a slice that is there costs half of one that is made.
_OWNER, _PAIR_9, _PAIR_11, _PAIR_13, _PAIR_15, _CHECKS = map(slice, (0, 8, 10, 12, 14, 16), (8, 10, 12, 14, 16, 18))
_REGION, _YEAR, _DAY, _TAIL = map(slice, (0, 6, 10, 14), (6, 10, 14, 18))

# Sums by part of the number: each part is one of few, so that most are remembered.
_OWNER_SUMS: Final = Memory[str, int](_credit_part(0), 10_000)
_PAIR_SUMS_9: Final = Memory[str, int](_credit_part(8), 1_000)
_PAIR_SUMS_11: Final = Memory[str, int](_credit_part(10), 1_000)
_PAIR_SUMS_13: Final = Memory[str, int](_credit_part(12), 1_000)
_PAIR_SUMS_15: Final = Memory[str, int](_credit_part(14), 1_000)
_CHECK_SUMS: Final = Memory[str, int](_credit_checks, 1_000)
_REGION_SUMS: Final = Memory[str, int](lambda digits: _weighted(digits, 0), 5_000)
_YEAR_SUMS: Final = Memory[str, int](_year, 10_000)
_DAY_SUMS: Final = Memory[str, int](_month_and_day, 366)
_TAIL_SUMS: Final = Memory[str, int](_sequence_and_check, 11_000)


def identity_number_valid(number: str) -> bool:
    """公民身份号码, GB 11643: eighteen characters with a real date of birth."""
    if len(number) != 18:
        return False
    try:
        day = number[_DAY]
        total = _REGION_SUMS[number[_REGION]] + _YEAR_SUMS[number[_YEAR]] + _DAY_SUMS[day] + _TAIL_SUMS[number[_TAIL]]
        if day == "0229":
            date(int(number[_YEAR]), 2, 29)
    except ValueError:
        return False
    return total % 11 == 0
