"""Batches that never stand in memory as a whole."""

from __future__ import annotations

import gzip
import io
import random
import tempfile
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.crypto.content import LARGEST_CONTENT
from gateway.crypto.envelope import open_batch, open_from, seal_batch, seal_into
from gateway.crypto.suites import CHUNK, SUITES
from gateway.errors import Bug, Rejected
from tests.unit.crypto.hcpb import NOW, Forger, receiver, request, sender_keys

ALL_SUITES = pytest.mark.parametrize("suite", SUITES)
LITTLE = 20_000_000  # bytes: half of what is sealed, of which six copies were once made


class Records:
    """Made anew at each reading."""

    def __init__(self, count: int, size: int) -> None:
        self.count, self.size = count, size

    def __iter__(self) -> Iterator[bytes]:
        source = random.Random(7)
        for _ in range(self.count):
            yield source.randbytes(self.size // 2).hex().encode()


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_large_batch_passes_through_little_memory(compression: str) -> None:
    records, came = Records(600, 65_536), 0

    def take(_: bytes) -> None:
        nonlocal came
        came += 1

    patient = replace(receiver(), largest_body=LARGEST_CONTENT)
    with tempfile.TemporaryFile() as body:
        tracemalloc.start()
        try:
            head = seal_into(request(compression=compression), records, sender_keys("GM-GCM-1"), body)
            opened = open_from(body, patient, NOW, take)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert head.header.uncompressed_size > 39_000_000
    assert opened.header == head.header
    assert came == 600
    assert peak < LITTLE


@ALL_SUITES
@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_the_stream_and_the_list_seal_the_same_content(suite: str, size: int) -> None:
    records = [b"x" * (size // 2), b"y" * (size - size // 2 - 1)]
    body = io.BytesIO()
    streamed = seal_into(request(suite, compression="none"), iter_twice(records), sender_keys(suite), body)
    at_once = seal_batch(request(suite, compression="none"), records, sender_keys(suite))
    for sealed in (body.getvalue(), at_once.body):
        assert open_batch(sealed, receiver(), NOW).records == records
    for name in ("content_digest", "merkle_root", "uncompressed_size", "record_count"):
        assert getattr(streamed.header, name) == getattr(at_once.header, name)


def iter_twice(records: list[bytes]) -> Any:
    class Twice:
        def __iter__(self) -> Iterator[bytes]:
            return iter(records)

    return Twice()


def test_what_can_be_read_only_once_is_not_sealed_as_empty() -> None:
    with pytest.raises(Bug, match=r"batch\.records_changed"):
        seal_into(request(), iter([b"{}"]), sender_keys("GM-GCM-1"), io.BytesIO())


def test_a_bomb_of_empty_records_stops_at_the_declared_count() -> None:
    """64 MiB of line feeds would be 67 million records, each with a leaf of its own."""
    packed = gzip.compress(b"\n" * LARGEST_CONTENT, 9)
    body = Forger(packed=packed).seal(compression="gzip", uncompressedSize=LARGEST_CONTENT)
    tracemalloc.start()
    try:
        with pytest.raises(Rejected, match=r"batch\.malformed"):
            open_batch(body, receiver(), NOW)
        assert tracemalloc.get_traced_memory()[1] < 80_000_000
    finally:
        tracemalloc.stop()


def test_a_chunk_that_does_not_open_is_told_before_the_bomb_in_front_of_it() -> None:
    packed = gzip.compress(b"\0" * 1_000_000, 0) + b"\0" * CHUNK
    assert len(packed) > CHUNK
    good = Forger(packed=packed).seal(compression="gzip", uncompressedSize=1000)
    with pytest.raises(Rejected, match=r"batch\.too_large"):
        open_batch(good, receiver(), NOW)
    torn = Forger(packed=packed, tear=True).seal(compression="gzip", uncompressedSize=1000)
    with pytest.raises(Rejected, match=r"batch\.decrypt"):
        open_batch(torn, receiver(), NOW)
