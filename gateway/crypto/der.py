"""Strict DER, as little as SM2 and its key files need: a value has exactly one encoding, all others are refused."""

from __future__ import annotations

SEQUENCE = 0x30
INTEGER = 0x02
BITS = 0x03
OCTETS = 0x04
OBJECT = 0x06


class NotDer(ValueError):
    """The bytes are not the one DER encoding of what they should be."""


def encode(tag: int, *contents: bytes) -> bytes:
    """One element: ``contents`` joined, under ``tag``."""
    content = b"".join(contents)
    size = len(content)
    length = bytes([size]) if size < 0x80 else size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag]) + (length if size < 0x80 else bytes([0x80 | len(length)]) + length) + content


def whole(data: bytes) -> tuple[int, bytes]:
    """``(tag, content)`` of the one element that is the whole of ``data``."""
    found, rest = _element(data)
    if rest:
        raise NotDer
    return found


def elements(data: bytes) -> list[tuple[int, bytes]]:
    """``(tag, content)`` of the elements of the SEQUENCE that is the whole of ``data``."""
    tag, content = whole(data)
    if tag != SEQUENCE:
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
