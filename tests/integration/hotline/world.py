"""A gateway around one hotline: a migrated SQLite store, a vault, a clock that is set by hand, seeded evaluations."""

from __future__ import annotations

import pickle
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from gateway.crypto.data_keys import BLIND_INDEX, CELLS, DataKeys, new_data_key
from gateway.crypto.kek import Kek
from gateway.crypto.keys import KeyFolder
from gateway.crypto.vault import Vault
from gateway.mapping.entry import prepare
from gateway.mapping.outcome import CanonicalRecord
from gateway.settings import Connection, Settings
from gateway.stages.context import Context
from gateway.store import Store, ledger, migrate, open_store, orders, raised_orders
from gateway.store.orders import WorkOrder
from tests.integration.hotline.double import TOKEN

ROOT = Path(__file__).parents[3]
KEK = Kek(b"k" * 16)
START = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
opened: list[Store] = []  # closed after each test
SECRETS = ("张小三", "13800001234", "窗口排队三小时")


@dataclass
class Clock:
    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class World:
    context: Context
    clock: Clock

    @property
    def store(self) -> Store:
        return self.context.store

    def order(self, external_id: str) -> WorkOrder:
        with self.store.read() as transaction:
            found = orders.by_external_ids(transaction, [external_id])
        return found[external_id]

    def orders(self) -> list[WorkOrder]:
        with self.store.read() as transaction:
            ids = transaction.exec_driver_sql("SELECT external_id FROM work_order ORDER BY external_id").scalars().all()
            return [orders.by_external_ids(transaction, [one])[one] for one in ids]

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.store.read() as transaction:
            return [tuple(row) for row in transaction.exec_driver_sql(query)]


def make_world(folder: Path, url: str, database: str = "") -> World:
    """The gateway that keeps its state in ``folder``; made there again, it goes on where it stood."""
    chosen = Settings(
        database_url=database or f"sqlite:///{folder / 'gateway.db'}",
        order_requery_seconds=60,
        connections={"hotline": Connection.model_validate({"host": url, "password": TOKEN, "extra": {"path": "/ws"}})},
    )
    if not (folder / "keys").exists():
        if not database:
            shutil.copyfile(_empty_database(), folder / "gateway.db")
        rows = [new_data_key(KEK, purpose, START.replace(tzinfo=None)) for purpose in (CELLS, BLIND_INDEX)]
        (folder / "keys").write_bytes(pickle.dumps(rows))
    vault = Vault(DataKeys(KEK, pickle.loads((folder / "keys").read_bytes())))
    clock = Clock()
    store = open_store(chosen.database)
    opened.append(store)
    return World(Context(chosen, store, vault, KeyFolder(folder / "keyring"), clock=clock), clock)


@cache
def _empty_database() -> Path:
    """Migrated once a process: Alembic is slow to import and to run."""
    file = Path(tempfile.mkdtemp()) / "empty.db"
    migrate(f"sqlite:///{file}")
    return file


def seed(world: World, count: int, *, dept_code: str | None = "11511602MB1A23456X") -> list[str]:
    """``count`` negative evaluations with their services and orders, as normalising writes them; the external ids."""
    received = world.clock().replace(tzinfo=None)
    chunk = []
    for number in range(count):
        case, key = f"P{number:05d}", f"P{number:05d}#1"
        about = {"project_no": case, "service_number": "1"}
        service = {**about, "org_name": "广安区医保局", "task_name": "医保登记", "area_code": "511602000000"}
        rating = {**about, "assess_number": "1", "satisfaction": "1", "indicators": ["101", "103"]}
        rating["assess_time"] = "2026-11-20 08:30:00"
        common = (received, "511602000000", dept_code, None)
        person = {"user_name": SECRETS[0], "mobile": SECRETS[1]}
        records = [
            CanonicalRecord("service", key, None, service, person, *common, None, None, None),
            CanonicalRecord(
                "evaluation", f"{key}#1", key, rating, {"writing_evaluation": SECRETS[2]}, *common, 1, "6", "active"
            ),
        ]
        entries = [prepare(record) for record in records]
        chunk.append(ledger.SourceRecord("portal_guangan", f"page{number}", 0, received, entries))
    with world.store.begin() as transaction:
        verdicts = ledger.store(transaction, chunk, world.context.vault.seal)
        negatives = [
            raised_orders.Negative(row, "portal_guangan", "511602000000", received)
            for verdict in verdicts
            for row in verdict.rows
            if raised_orders.is_negative(row.entry)
        ]
        assert raised_orders.raise_orders(transaction, negatives, world.clock()) == count
    return [order.external_id for order in world.orders()]
