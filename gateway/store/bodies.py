"""The sealed bytes of batches (封包字节) at rest, written and read in slices past SQLAlchemy: the drivers would hold a
large body two or three times, in their buffers and in their statements."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from struct import pack
from typing import Any, Final

from sqlalchemy import Connection, delete

from gateway.store import bulk
from gateway.store.tables import batch_body

SLICE: Final = 4 * 1024 * 1024
COPY_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # binary COPY: signature, no flags, no extension
COPY_END: Final = pack(">h", -1)


def write(connection: Connection, batch_id: str, body: bytes) -> None:
    """Keep ``body``; a batch has one only."""

    def written(driver: Any) -> None:
        if isinstance(driver, sqlite3.Connection):
            _write_sqlite(driver, batch_id, body)
            return
        key = batch_id.encode()
        with driver.cursor() as cursor, cursor.copy("COPY batch_body (batch_id, body) FROM STDIN BINARY") as copy:
            copy.write(COPY_HEAD + pack(">hi", 2, len(key)) + key + pack(">i", len(body)))
            for piece in _slices(body):
                copy.write(piece)
            copy.write(COPY_END)

    bulk.guarded(connection, "batch_body", written)


def read(connection: Connection, batch_id: str) -> bytes:
    """The sealed bytes; empty when they are gone."""

    def found(driver: Any) -> bytes:
        if isinstance(driver, sqlite3.Connection):
            return _read_sqlite(driver, batch_id)
        first = "SELECT substring(body FROM 1 FOR %b), length(body) FROM batch_body WHERE batch_id = %b"
        piece = "SELECT substring(body FROM %b FOR %b) FROM batch_body WHERE batch_id = %b"
        with driver.cursor(binary=True) as cursor:
            head, size = cursor.execute(first, (SLICE, batch_id)).fetchone() or (b"", 0)
            if len(head) == size:
                return bytes(head)
            whole = io.BytesIO()  # gives its bytes away without a copy
            whole.write(head)
            for start in range(SLICE, size, SLICE):
                row = cursor.execute(piece, (start + 1, SLICE, batch_id)).fetchone()
                if row is None:
                    return b""  # purged while it was read
                whole.write(row[0])
            return whole.getvalue()

    return bulk.guarded(connection, "batch_body", found)


def replace(connection: Connection, batch_id: str, body: bytes) -> None:
    """Put ``body`` in the place of what is there, if anything is."""
    connection.execute(delete(batch_body).where(batch_body.c.batch_id == batch_id))
    write(connection, batch_id, body)


def _read_sqlite(driver: sqlite3.Connection, batch_id: str) -> bytes:
    for (row,) in driver.execute("SELECT rowid FROM batch_body WHERE batch_id = ?", (batch_id,)).fetchall():
        with driver.blobopen("batch_body", "body", row, readonly=True) as blob:
            return blob.read()
    return b""


def _write_sqlite(driver: sqlite3.Connection, batch_id: str, body: bytes) -> None:
    if len(body) <= SLICE:  # made and then filled, its pages would be written twice
        driver.execute("INSERT INTO batch_body (batch_id, body) VALUES (?, ?)", (batch_id, body))
        return
    make = "INSERT INTO batch_body (batch_id, body) VALUES (?, zeroblob(?)) RETURNING rowid"
    [(row,)] = driver.execute(make, (batch_id, len(body))).fetchall()
    with driver.blobopen("batch_body", "body", row) as blob:
        for piece in _slices(body):
            blob.write(piece)


def _slices(body: bytes) -> Iterator[memoryview]:
    whole = memoryview(body)
    return (whole[start : start + SLICE] for start in range(0, len(body), SLICE))
