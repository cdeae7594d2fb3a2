"""Blind index (盲索引): finds equal values of a protected field without storing them.

The spaces are small (a phone has about 10^10 values), so whoever has the key can list them all: it never leaves the
vault, and names get no index unless a query needs one.
"""

from __future__ import annotations

import unicodedata

from gateway.crypto.digest import hmac_sm3

SIZE = 16
_LABEL = b"hcp-bi-v1\0"
_COUNTRY = "86"
_MOBILE = 11


def blind_index(key: bytes, field: str, value: str) -> bytes:
    """HMAC-SM3(key, label, field, 0x00, normalised value), cut to 16 bytes."""
    return hmac_sm3(key, _LABEL + field.encode() + b"\0" + normalised(field, value).encode())[:SIZE]


def normalised(field: str, value: str) -> str:
    """NFKC and trimmed; ``id_no`` in upper case; ``phone`` as digits without the country's 86."""
    text = unicodedata.normalize("NFKC", value).strip()
    if field == "id_no":
        return text.upper()
    if field == "phone":
        digits = "".join(filter(str.isdecimal, text)).removeprefix("00")
        return digits.removeprefix(_COUNTRY) if len(digits) == len(_COUNTRY) + _MOBILE else digits
    return text
