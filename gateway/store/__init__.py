"""The only SQL (存储): tables, migrations, bulk writes and queries. Every function takes the caller's transaction.

store = open_store(url)
with store.begin() as transaction:      # everything below commits together, or not at all
    pages.land(transaction, …)
"""

from gateway.store.database import Dialect, Store, Transaction, connect, now_utc_naive, utc_aware, utc_naive
from gateway.store.schema import migrate, open_store, schema_version

__all__ = [
    "Dialect",
    "Store",
    "Transaction",
    "connect",
    "migrate",
    "now_utc_naive",
    "open_store",
    "schema_version",
    "utc_aware",
    "utc_naive",
]
