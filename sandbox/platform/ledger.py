"""What the platform remembers, in one SQLite file: durable before anything is answered.

Effects (生效) are written apart from what the judgement looks at: one row each time that a record takes effect, without
a unique constraint, so that a record applied twice shows as two rows.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_SCHEMA = """
CREATE TABLE IF NOT EXISTS nonce (
  paasid TEXT NOT NULL, nonce TEXT NOT NULL, seen_at TEXT NOT NULL, PRIMARY KEY (paasid, nonce)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch (
  batch_id TEXT PRIMARY KEY, sender TEXT NOT NULL, stream TEXT NOT NULL, seq INTEGER NOT NULL, suite TEXT NOT NULL,
  business_date TEXT NOT NULL, header_digest TEXT NOT NULL, merkle_root TEXT NOT NULL, body_digest TEXT NOT NULL,
  compression TEXT NOT NULL, packed BLOB NOT NULL, received_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS receipt (
  batch_id TEXT PRIMARY KEY, raw BLOB NOT NULL, delivered INTEGER NOT NULL, issued_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS hold (
  sender TEXT NOT NULL, stream TEXT NOT NULL, seq INTEGER NOT NULL, batch_id TEXT NOT NULL UNIQUE,
  header_digest TEXT NOT NULL, prev_digest TEXT, PRIMARY KEY (sender, stream, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS void_notice (batch_id TEXT PRIMARY KEY, raw BLOB NOT NULL, received_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS held (
  sender TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, digest BLOB NOT NULL,
  business_date TEXT NOT NULL, PRIMARY KEY (sender, kind, key, version)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS held_by_day ON held (sender, business_date, kind, key, version, digest);
CREATE TABLE IF NOT EXISTS effect (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, digest BLOB NOT NULL,
  batch_id TEXT NOT NULL, place INTEGER NOT NULL);
"""
_BATCH = (
    "batch_id, sender, stream, seq, suite, business_date, header_digest, merkle_root, body_digest, compression, "
    "packed, received_at"
)


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch that passed every check: its content as it came compressed, and what its receipt must repeat."""

    batch_id: str
    sender: str
    stream: str
    seq: int
    suite: str
    business_date: str
    header_digest: str
    merkle_root: str
    body_digest: str
    compression: str
    packed: bytes
    received_at: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A sequence number held by a batch or a void notice (``prev_digest`` None: by a notice alone)."""

    sender: str
    stream: str
    seq: int
    batch_id: str
    header_digest: str
    prev_digest: str | None

    @property
    def place(self) -> tuple[str, str, int, str]:
        """What a repeated notice, or the batch that it names, must have in common with it."""
        return self.sender, self.stream, self.seq, self.header_digest


class Effect(NamedTuple):
    """An accepted record version; ``place`` is its index in the batch."""

    kind: str
    key: str
    version: int
    digest: bytes
    place: int


class Ledger:
    """One connection, one thread. Writes gather in a transaction that ``commit`` makes durable."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute("PRAGMA cache_size = -65536")
        self.db.executescript(_SCHEMA)

    def close(self) -> None:
        self.db.close()

    def wipe(self) -> None:
        """Forget everything, as if newly installed."""
        self._begin()
        for table in ("nonce", "batch", "receipt", "hold", "void_notice", "held", "effect"):
            self.db.execute(f"DELETE FROM {table}")  # noqa: S608
        self.commit()

    def commit(self) -> None:
        if self.db.in_transaction:
            self.db.execute("COMMIT")

    def rollback(self) -> None:
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    def _write(self, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        self._begin()
        return self.db.execute(statement, values)

    def _begin(self) -> None:
        if not self.db.in_transaction:
            self.db.execute("BEGIN IMMEDIATE")

    def use_nonce(self, paasid: str, nonce: str, seen_at: str) -> bool:
        """False if that paasid has used it before."""
        statement = "INSERT OR IGNORE INTO nonce VALUES (?, ?, ?)"
        return self._write(statement, (paasid, nonce, seen_at)).rowcount == 1

    def batch(self, batch_id: str) -> StoredBatch | None:
        row = self.db.execute(f"SELECT {_BATCH} FROM batch WHERE batch_id = ?", (batch_id,)).fetchone()  # noqa: S608
        return None if row is None else StoredBatch(*row)

    def receipt(self, batch_id: str) -> bytes | None:
        row = self.db.execute("SELECT raw FROM receipt WHERE batch_id = ?", (batch_id,)).fetchone()
        return None if row is None else row[0]

    def delivered(self, batch_id: str) -> int:
        """Accepted and duplicate records of its receipt; 0 without one."""
        row = self.db.execute("SELECT delivered FROM receipt WHERE batch_id = ?", (batch_id,)).fetchone()
        return 0 if row is None else int(row[0])

    def unfinished(self) -> list[str]:
        """Batches stored without a receipt, in the order of their coming."""
        query = "SELECT batch_id FROM batch WHERE batch_id NOT IN (SELECT batch_id FROM receipt) ORDER BY rowid"
        return [row[0] for row in self.db.execute(query)]

    def store_batch(self, batch: StoredBatch, prev_digest: str) -> None:
        values = tuple(getattr(batch, name) for name in _BATCH.split(", "))
        self._write(f"INSERT INTO batch ({_BATCH}) VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608
        self.store_hold(Hold(batch.sender, batch.stream, batch.seq, batch.batch_id, batch.header_digest, prev_digest))

    def apply(self, batch: StoredBatch, effects: list[Effect]) -> None:
        """Bring the records into force."""
        self._begin()
        self.db.executemany(
            "INSERT INTO held VALUES (?, ?, ?, ?, ?, ?)",
            [(batch.sender, e.kind, e.key, e.version, e.digest, batch.business_date) for e in effects],
        )
        self.db.executemany(
            "INSERT INTO effect (kind, key, version, digest, batch_id, place) VALUES (?, ?, ?, ?, ?, ?)",
            [(e.kind, e.key, e.version, e.digest, batch.batch_id, e.place) for e in effects],
        )

    def mark(self, batch_id: str, receipt: bytes, delivered: int, issued_at: str) -> None:
        """The batch is done, and this is its receipt for good."""
        self._write("INSERT INTO receipt VALUES (?, ?, ?, ?)", (batch_id, receipt, delivered, issued_at))

    def held_versions(self, sender: str, kind: str, keys: Iterable[str]) -> Iterator[tuple[str, int, bytes]]:
        """(key, version, digest) of everything accepted under those keys."""
        query = (
            "SELECT key, version, digest FROM held WHERE sender = ? AND kind = ? "
            "AND key IN (SELECT value FROM json_each(?))"
        )
        yield from self.db.execute(query, (sender, kind, json.dumps(list(keys))))

    def hold_at(self, sender: str, stream: str, seq: int) -> Hold | None:
        query = "SELECT * FROM hold WHERE sender = ? AND stream = ? AND seq = ?"
        row = self.db.execute(query, (sender, stream, seq)).fetchone()
        return None if row is None else Hold(*row)

    def hold_of(self, batch_id: str) -> Hold | None:
        row = self.db.execute("SELECT * FROM hold WHERE batch_id = ?", (batch_id,)).fetchone()
        return None if row is None else Hold(*row)

    def store_hold(self, hold: Hold) -> None:
        """A batch brings the ``prev_digest`` that its void notice did not have."""
        self._write(
            "INSERT INTO hold VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (sender, stream, seq) DO UPDATE SET prev_digest = coalesce(excluded.prev_digest, prev_digest)",
            (hold.sender, hold.stream, hold.seq, hold.batch_id, hold.header_digest, hold.prev_digest),
        )

    def store_void(self, batch_id: str, notice: bytes, received_at: str) -> None:
        self._write("INSERT OR IGNORE INTO void_notice VALUES (?, ?, ?)", (batch_id, notice, received_at))

    def sequence(self, sender: str, stream: str) -> Iterator[int]:
        """The sequence numbers held, ascending."""
        query = "SELECT seq FROM hold WHERE sender = ? AND stream = ? ORDER BY seq"
        return (row[0] for row in self.db.execute(query, (sender, stream)))

    def day(
        self, sender: str, business_date: str, kind: str, after: str = "", limit: int = -1
    ) -> list[tuple[str, int, bytes]]:
        """(key, highest version, its digest) first brought that day, by the key's UTF-8 bytes, ``after`` excluded."""
        query = (
            "SELECT key, max(version), digest FROM held "
            "WHERE sender = ? AND business_date = ? AND kind = ? AND key > ? GROUP BY key ORDER BY key LIMIT ?"
        )
        return self.db.execute(query, (sender, business_date, kind, after, limit)).fetchall()
