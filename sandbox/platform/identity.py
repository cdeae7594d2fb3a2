"""Check digits of identity: GB 11643 citizen numbers and GB 32100 unified social credit codes."""

from __future__ import annotations

import re
from datetime import date
from operator import mul

_CITIZEN = re.compile(r"\d{17}[\dX]", re.ASCII)
_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS = "10X98765432"
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_VALUES = {letter: value for value, letter in enumerate(_CREDIT_ALPHABET)}
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def citizen_number_fits(number: str) -> bool:
    """18 characters, a real date of birth and the right check digit."""
    if not _CITIZEN.fullmatch(number):
        return False
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(map(mul, _CITIZEN_WEIGHTS, map(int, number[:17])))
    return _CITIZEN_CHECKS[total % 11] == number[17]


def credit_code_fits(code: str) -> bool:
    """18 characters of the alphabet without I, O, S, V, Z and the right check character."""
    if len(code) != 18 or any(letter not in _CREDIT_VALUES for letter in code):
        return False
    total = sum(map(mul, _CREDIT_WEIGHTS, map(_CREDIT_VALUES.__getitem__, code[:17])))
    return _CREDIT_ALPHABET[(31 - total % 31) % 31] == code[17]


CHECKS = {"111": citizen_number_fits, "001": credit_code_fits}
