"""Records held back: as many at once as the largest batch has."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select

from gateway.store import Store, bundles, outbox
from gateway.store.bundles import Bundle
from gateway.store.tables import bundle, delivery_hold

MANY = 70_000  # drivers take 65,535 parameters in a statement, and fewer
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def test_holds_are_dropped_however_many_they_are(store: Store) -> None:
    with store.begin() as transaction:
        outbox.hold(transaction, "national", range(3), outbox.RELEASED, NOW)
        outbox.drop_holds(transaction, "national", range(1, MANY))
        assert list(transaction.execute(select(delivery_hold.c.position)).scalars()) == [0]


def test_a_bundle_is_emptied_however_many_it_holds(store: Store) -> None:
    with store.begin() as transaction:
        assert bundles.divide(transaction, "national", "ab" * 16, range(MANY), 2, NOW) == 2
        bundles.drop(transaction, Bundle("ab" * 16, 0, []), range(MANY))
        assert transaction.execute(select(func.count()).select_from(bundle)).scalar_one() == MANY // 2
