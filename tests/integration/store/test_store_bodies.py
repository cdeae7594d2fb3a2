"""The sealed bytes at rest: the same bytes come back, whatever their size."""

from __future__ import annotations

import os

import pytest

from gateway.errors import Bug
from gateway.store import Store, bodies

BATCH = "ab" * 16


@pytest.mark.parametrize("size", [1, bodies.SLICE, bodies.SLICE + 1, 2 * bodies.SLICE, 5 * bodies.SLICE // 2])
def test_what_was_written_is_read(store: Store, size: int) -> None:
    body = os.urandom(size)
    with store.begin() as transaction:
        bodies.write(transaction, BATCH, body)
    with store.read() as transaction:
        assert bodies.read(transaction, BATCH) == body


def test_what_is_gone_is_empty(store: Store) -> None:
    with store.read() as transaction:
        assert bodies.read(transaction, BATCH) == b""


def test_a_body_takes_the_place_of_another(store: Store) -> None:
    for body in (b"first", os.urandom(bodies.SLICE + 1), b"last"):
        with store.begin() as transaction:
            bodies.replace(transaction, BATCH, body)
        with store.read() as transaction:
            assert bodies.read(transaction, BATCH) == body


@pytest.mark.parametrize("size", [1, bodies.SLICE + 1])
def test_a_batch_has_one_body_only(store: Store, size: int) -> None:
    with store.begin() as transaction:
        bodies.write(transaction, BATCH, b"first")
    with pytest.raises(Bug, match="batch_body"), store.begin() as transaction:
        bodies.write(transaction, BATCH, bytes(size))
    with store.read() as transaction:
        assert bodies.read(transaction, BATCH) == b"first"
