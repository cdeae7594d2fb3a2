"""The numbers that stand for batches' ids."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from gateway.store import Store
from gateway.store.batch_records import new_number


def test_no_two_batches_share_a_number_whoever_seals(store: Store) -> None:
    with ThreadPoolExecutor(4) as sealing:
        taken = list(sealing.map(lambda _: new_number(store), range(24)))
    assert len(set(taken)) == len(taken)
    assert new_number(store) > max(taken)
