"""Masking (脱敏) for display (cryptography.md section 6). What is shown never allows the value to be rebuilt."""

from __future__ import annotations

import re

_PHONE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)")
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])")
_OLD_IDENTITY = re.compile(r"(?<!\d)\d{15}(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)0\d{2,3}-?\d{7,8}(?!\d)")
_EMAIL = re.compile(r"([0-9A-Za-z_.+-])[0-9A-Za-z_.+-]*@([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)+)")
# Digits with blanks or hyphens, or an at sign; one class in front of both, which the engine finds twice as fast.
MAYBE_PERSONAL = re.compile(r"[0-9@](?:(?<=@)|[0-9 -]{5,}[0-9])")

_NAMES = frozenset({"user_name", "handle_user_name", "handler_name", "manager_name"})
_NUMBERS = frozenset({"cert_key", "cert_key_gov", "handle_user_page_code"})
_TEXTS = frozenset({"writing_evaluation", "rectification"})


def name(value: str) -> str:
    """张三 to 张*, 张小三 to 张*三."""
    if len(value) < 2:
        return "*" * len(value)
    return value[0] + "*" if len(value) == 2 else value[0] + "*" * (len(value) - 2) + value[-1]


def phone(value: str) -> str:
    """13800138000 to 138****8000."""
    if len(value) < 8:
        return "*" * len(value)
    return value[:3] + "*" * (len(value) - 7) + value[-4:]


def number(value: str) -> str:
    """A certificate number to its first and last character."""
    return value[:1] + "*" * (len(value) - 2) + value[-1:] if len(value) > 4 else "*" * len(value)


def text(value: str) -> str:
    """Free text with the phones, numbers and mail addresses in it masked."""
    value = _IDENTITY.sub(lambda found: number(found.group()), value)
    value = _PHONE.sub(r"\1****\3", value)
    value = _OLD_IDENTITY.sub(lambda found: number(found.group()), value)
    value = _LANDLINE.sub(lambda found: phone(found.group()), value)
    return _EMAIL.sub(r"\1***@\2", value)


def holds_personal_data(value: str) -> bool:
    """Does free text hold a phone, an identity number or a mail address (text.contains_personal_data)?"""
    return MAYBE_PERSONAL.search(value) is not None and text(value) != value


def field(attribute: str, value: str) -> str:
    """``value`` of a canonical attribute as it may be shown."""
    if attribute in _NAMES:
        return name(value)
    if attribute == "mobile":
        return phone(value)
    if attribute in _NUMBERS:
        return number(value)
    return text(value)
