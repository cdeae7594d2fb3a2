"""The oracle (判定账本): what really happened here, read from the effects themselves.

Requests are noted in an append-only file before and after they are answered, refused ones included: the platform
forgets a refused batch, the oracle does not.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from sandbox.platform.intake import stored_records
from sandbox.platform.ledger import Ledger, StoredBatch
from sandbox.platform.record_rules import KINDS


class Oracle:
    """Counts and lists over one platform's folder."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self._ledger = ledger
        self._path = folder / "requests.jsonl"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def close(self) -> None:
        os.close(self._file)

    def note(self, **line: Any) -> None:
        """Append one line; it outlives a SIGKILL of this process."""
        os.write(self._file, orjson.dumps(line) + b"\n")

    def wipe(self) -> None:
        os.truncate(self._path, 0)

    def summary(self) -> dict[str, Any]:
        """Counts: effects and distinct records per kind, versions applied more than once, batches, receipts, voids."""
        db = self._ledger.db
        effects = dict(db.execute("SELECT kind, count(*) FROM effect GROUP BY kind"))
        keys = dict(db.execute("SELECT kind, count(DISTINCT key) FROM effect GROUP BY kind"))
        twice = "SELECT count(*) FROM (SELECT 1 FROM effect GROUP BY kind, key, version HAVING count(*) > 1)"
        return {
            "effects": {kind: effects.get(kind, 0) for kind in KINDS},
            "keys": {kind: keys.get(kind, 0) for kind in KINDS},
            "doubled": db.execute(twice).fetchone()[0],
            "batches": db.execute("SELECT count(*) FROM batch").fetchone()[0],
            "unfinished": len(self._ledger.unfinished()),
            "receipts": db.execute("SELECT count(*) FROM receipt").fetchone()[0],
            "voids": db.execute("SELECT count(*) FROM void_notice").fetchone()[0],
            "requests": dict(Counter(line["call"] for line in self._lines() if "answer" not in line)),
        }

    def effects(self, kind: str) -> Iterator[bytes]:
        """JSON lines: key, version, digest, times applied, the batch that first brought it, and its data."""
        query = (
            "SELECT key, version, digest, count(*), batch_id, place FROM effect WHERE kind = ? "
            "GROUP BY key, version, digest ORDER BY batch_id, place"
        )
        opened: tuple[str, list[bytes]] = ("", [])
        for key, version, digest, times, batch_id, place in self._ledger.db.execute(query, (kind,)):
            if opened[0] != batch_id:
                opened = (batch_id, stored_records(self._stored(batch_id)))
            data = orjson.loads(opened[1][place])["data"]
            line = {"key": key, "version": version, "digest": digest.hex(), "times": times, "batchId": batch_id}
            yield orjson.dumps({**line, "data": data}) + b"\n"

    def _stored(self, batch_id: str) -> StoredBatch:
        batch = self._ledger.batch(batch_id)
        if batch is None:
            raise LookupError(f"an effect of batch {batch_id}, which was never stored")
        return batch

    def batches(self) -> list[dict[str, Any]]:
        """Every batch id that was ever posted: how often, with which bodies, answered how, and its receipt."""
        digests: dict[str, Counter[str]] = defaultdict(Counter)
        answers: dict[str, list[str]] = defaultdict(list)
        for line in self._lines():
            if line["call"] != "batches":
                continue
            if "answer" in line:
                answers[line["batchId"]].append(line["answer"])
            else:
                digests[line["batchId"]][line["digest"]] += 1
        return [
            {
                "batchId": batch_id,
                "requests": sum(counts.values()),
                "digests": dict(counts),
                "answers": answers[batch_id],
                "receipt": (self._ledger.receipt(batch_id) or b"").decode() or None,
            }
            for batch_id, counts in digests.items()
        ]

    def voids(self) -> list[Any]:
        rows = self._ledger.db.execute("SELECT raw FROM void_notice ORDER BY rowid")
        return [orjson.loads(row[0]) for row in rows]

    def _lines(self) -> Iterator[dict[str, Any]]:
        with self._path.open("rb") as file:
            for line in file:
                yield orjson.loads(line)
