"""Cutting a CSV into slices by bytes, without decoding it: each is a CSV of its own, header repeated.

Safe for UTF-8 and GB18030 alike: no byte of a multi-byte character is a quote or a line break in either.
"""

from __future__ import annotations

from collections.abc import Iterator


def rows(content: bytes) -> Iterator[bytes]:
    """Rows with their line ends; a quoted field may hold line breaks. Blank lines are left out."""
    start = at = quotes = 0
    while at < len(content):
        end = content.find(b"\n", at) + 1 or len(content)
        quotes += content.count(b'"', at, end)
        at = end
        if quotes % 2 == 0 or at == len(content):
            if (row := content[start:at]).strip():
                yield row
            start = at


def slices(content: bytes, size: int) -> list[tuple[bytes, int]]:
    """``(bytes, rows)`` of each slice of at most ``size`` rows. A file that fits stays as it is, byte for byte."""
    header, *records = list(rows(content)) or [b""]
    if len(records) <= size:
        return [(content, len(records))]
    parts = [records[at : at + size] for at in range(0, len(records), size)]
    return [(header + b"".join(part), len(part)) for part in parts]
