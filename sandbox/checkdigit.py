"""Check characters of Chinese identifiers (GB 32100, GB 11714, GB 11643), written for the sandbox alone.

The gateway has its own; the two share no code, so that each can catch the other's mistake.
"""

from __future__ import annotations

CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
ORGANIZATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
PERSON_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
PERSON_CHECKS = "10X98765432"


def credit_code(first17: str) -> str:
    """The 统一社会信用代码 of 18 characters that starts with ``first17`` (GB 32100)."""
    total = sum(CREDIT_ALPHABET.index(char) * weight for char, weight in zip(first17, CREDIT_WEIGHTS, strict=True))
    return first17 + CREDIT_ALPHABET[(31 - total % 31) % 31]


def is_credit_code(code: str) -> bool:
    """Has ``code`` the form and the check character of GB 32100?"""
    return len(code) == 18 and set(code) <= set(CREDIT_ALPHABET) and credit_code(code[:17]) == code


def organization_code(first8: str) -> str:
    """The 组织机构代码 of 9 characters that starts with ``first8`` (GB 11714)."""
    total = sum(int(char, 36) * weight for char, weight in zip(first8, ORGANIZATION_WEIGHTS, strict=True))
    check = 11 - total % 11
    return first8 + {10: "X", 11: "0"}.get(check, str(check))


def is_organization_code(code: str) -> bool:
    """Has ``code`` the form and the check character of GB 11714, without hyphen?"""
    return len(code) == 9 and set(code) <= set(CREDIT_ALPHABET) and organization_code(code[:8]) == code


def person_number(first17: str) -> str:
    """The 公民身份号码 of 18 characters that starts with ``first17`` (GB 11643)."""
    total = sum(int(char) * weight for char, weight in zip(first17, PERSON_WEIGHTS, strict=True))
    return first17 + PERSON_CHECKS[total % 11]
