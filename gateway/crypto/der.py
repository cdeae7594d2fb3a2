"""Strict DER, as little as SM2 needs: a value has exactly one encoding, and anything else is refused."""

from __future__ import annotations

SEQUENCE = 0x30
INTEGER = 0x02
OCTETS = 0x04


class NotDer(ValueError):
    """The bytes are not the one DER encoding of what they should be."""


def elements(data: bytes) -> list[tuple[int, bytes]]:
    """``(tag, content)`` of the elements of the SEQUENCE that is the whole of ``data``."""
    (tag, content), rest = _element(data)
    if tag != SEQUENCE or rest:
        raise NotDer
    found = []
    while content:
        element, content = _element(content)
        found.append(element)
    return found


def natural(tag: int, content: bytes) -> int:
    """The non-negative INTEGER in its minimal encoding."""
    negative = content[:1] >= b"\x80"
    padded = len(content) > 1 and content[0] == 0 and content[1] < 0x80
    if tag != INTEGER or not content or negative or padded:
        raise NotDer
    return int.from_bytes(content)


def _element(data: bytes) -> tuple[tuple[int, bytes], bytes]:
    if len(data) < 2:
        raise NotDer
    tag, length, start = data[0], data[1], 2
    if length >= 0x80:
        width = length & 0x7F
        start += width
        length = int.from_bytes(data[2:start])
        if not 1 <= width <= 3 or length < max(0x80, 1 << 8 * (width - 1)):
            raise NotDer
    if len(data) < start + length:
        raise NotDer
    return (tag, data[start : start + length]), data[start + length :]
