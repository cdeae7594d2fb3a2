"""The content (批次内容) of a sealed batch, in pieces: records joined by line feeds (platform interface, section 3)."""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

from isal import isal_zlib

from gateway.crypto.digest import merkle_leaf, merkle_top, running_sm3
from gateway.errors import Bug, Rejected

LARGEST_CONTENT = 67_108_864
PIECE = 2_097_152  # least size of a piece, in bytes: most batches are one, and a few of them may be held
GZIP = 16 + zlib.MAX_WBITS
LEVEL = 1  # of ISA-L's 0 to 3: as small as zlib's 1 in a quarter of its time; beyond it, little is saved
SEPARATOR = b"\n"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a header says of its content. ``size`` in bytes, uncompressed; digests raw."""

    records: int
    size: int
    digest: bytes
    merkle_root: bytes


def summarise(records: Iterable[bytes]) -> Summary:
    """Goes through ``records`` once and keeps 32 bytes of each.

    Raises ``Bug('batch.records_malformed')`` for a record that would not come apart again, ``Rejected`` with
    ``batch.too_large`` beyond 64 MiB.
    """
    running, leaves, size = running_sm3(), list[bytes](), 0
    for group, piece in _pieces(records):
        if not all(group) or piece.count(SEPARATOR) != len(group) - (not leaves):
            raise Bug("batch.records_malformed")
        size += len(piece)
        if size > LARGEST_CONTENT:
            raise Rejected("batch.too_large", bytes=size, limit=LARGEST_CONTENT)
        running.update(piece)
        leaves.extend(map(merkle_leaf, group))
    if not leaves:
        raise Bug("batch.records_malformed")
    return Summary(len(leaves), size, running.digest(), merkle_top(leaves))


def packed(records: Iterable[bytes], compression: str, told: Summary) -> Iterator[bytes]:
    """The content as it is encrypted: ``gzip`` or ``none``.

    Raises ``Bug('batch.records_changed')`` unless it is as ``told``.
    """
    pieces = (piece for _, piece in _pieces(records))
    if not isinstance(records, list):
        pieces = _same(pieces, told)
    if compression != "gzip":
        yield from pieces
        return
    stream = isal_zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    for piece in pieces:
        if squeezed := stream.compress(piece):
            yield squeezed
    yield stream.flush()


def _same(pieces: Iterator[bytes], told: Summary) -> Generator[bytes, None, None]:
    """What is read anew may have changed, or have been readable only once; a list has not."""
    running = running_sm3()
    for piece in pieces:
        running.update(piece)
        yield piece
    if running.digest() != told.digest:
        raise Bug("batch.records_changed")


def _pieces(records: Iterable[bytes]) -> Iterator[tuple[list[bytes], bytes]]:
    """``(some records, the piece of the content that they make)``, in order."""
    group: list[bytes] = []
    size, head = 0, list[bytes]()
    for record in records:
        group.append(record)
        size += len(record) + 1
        if size >= PIECE:
            yield group, SEPARATOR.join([*head, *group])
            group, size, head = [], 0, [b""]
    if group:
        yield group, SEPARATOR.join([*head, *group])
