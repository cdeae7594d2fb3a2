"""Cells (密文字段): every column that the vault seals, read and sealed anew in chunks after a change of data keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Row, Table, func, insert, select, tuple_, update

from gateway.store.database import utc_naive
from gateway.store.ledger import PERSONAL, personal_row
from gateway.store.quarantine import DETAIL, detail_row
from gateway.store.tables import key_backfill, ledger_record, quarantine, raw_page, target_call, work_order
from gateway.store.target_calls import ANSWER, REQUEST, call_row

HEAD_BYTES = 9  # a version, then the id of the key
RAW_PAGE, REPLY = "raw_page", "work_order_reply"
Reseal = Callable[[str, str, bytes], bytes]  # (purpose, row id, sealed) -> sealed with the active key


class Cell(NamedTuple):
    """One sealed column: how its rows are walked, and what the vault was told when it sealed one."""

    name: str
    table: Table
    column: Column[Any]
    key: tuple[Column[Any], ...]  # primary key, in order
    purpose: str
    row_id: Callable[[Row[Any]], str]
    chunk: int  # rows of one transaction


CELLS = (
    Cell(
        *("ledger_record.personal", ledger_record, ledger_record.c.personal, (ledger_record.c.position,), PERSONAL),
        row_id=lambda row: personal_row(row.kind, row.record_key, row.version),
        chunk=2000,
    ),
    Cell(
        *("raw_page.body", raw_page, raw_page.c.body, (raw_page.c.page_id,), RAW_PAGE),
        row_id=lambda row: str(row.page_id),
        chunk=20,
    ),
    Cell(
        *(
            "quarantine.detail",
            quarantine,
            quarantine.c.detail,
            (quarantine.c.page_id, quarantine.c.page_index),
            DETAIL,
        ),
        row_id=lambda row: detail_row(row.page_id, row.page_index),
        chunk=2000,
    ),
    Cell(
        *("work_order.reply", work_order, work_order.c.reply, (work_order.c.order_id,), REPLY),
        row_id=lambda row: str(row.order_id),
        chunk=2000,
    ),
    *(
        Cell(
            *(f"target_call.{column.name}", target_call, column, (target_call.c.batch_id, target_call.c.item), purpose),
            row_id=lambda row: call_row(row.batch_id, row.item),
            chunk=500,
        )
        for column, purpose in ((target_call.c.request, REQUEST), (target_call.c.answer, ANSWER))
    ),
)
NAMING = ("kind", "record_key", "version")


class Progress(NamedTuple):
    """How far a column's cells are sealed with a key; ``after_row`` is none before the first chunk."""

    after_row: list[Any] | None
    cells: int
    finished: bool


def progress(transaction: Connection, key_id: str, cell: Cell) -> Progress:
    held = key_backfill.c
    row = transaction.execute(
        select(held.after_row, held.cells, held.finished_at).where(held.key_id == key_id, held.cell == cell.name)
    ).first()
    if row is None:
        return Progress(None, 0, finished=False)
    after = None if row.after_row is None else json.loads(row.after_row)
    return Progress(after, row.cells, row.finished_at is not None)


def begin_again(transaction: Connection, key_id: str) -> None:
    """Forget how far the backfill with this key came, so that it walks all cells once more."""
    transaction.execute(key_backfill.delete().where(key_backfill.c.key_id == key_id))


def reseal_chunk(transaction: Connection, key_id: str, cell: Cell, reseal: Reseal, now: datetime) -> bool:
    """Seal the next chunk of ``cell`` with the key ``key_id``, and note how far it came. False: that was the end.

    Only cells that name another key are touched; rows are locked, so that no writer comes between.
    """
    held = progress(transaction, key_id, cell)
    named = [cell.table.c[name] for name in NAMING if cell.table is ledger_record]
    asked = select(*cell.key, *named, cell.column.label("sealed")).where(cell.column.is_not(None))
    asked = asked.where(_names(cell) != bytes.fromhex(key_id))
    if held.after_row is not None:
        asked = asked.where(tuple_(*cell.key) > tuple_(*held.after_row))
    found = transaction.execute(asked.order_by(*cell.key).limit(cell.chunk).with_for_update())
    rows: list[Any] = list(found)
    for row in rows:
        place = [column == getattr(row, column.name) for column in cell.key]
        sealed = reseal(cell.purpose, cell.row_id(row), bytes(row.sealed))
        transaction.execute(update(cell.table).where(*place).values({cell.column.name: sealed}))
    ended = len(rows) < cell.chunk
    after = [getattr(rows[-1], column.name) for column in cell.key] if rows else held.after_row
    _note(transaction, key_id, cell, after, held.cells + len(rows), now if ended else None)
    return not ended


def naming(transaction: Connection, key_id: str) -> dict[str, int]:
    """How many cells of each column name the key; conclusive, and as slow as reading them all."""
    wanted = bytes.fromhex(key_id)
    counted = {}
    for cell in CELLS:
        asked = select(func.count()).select_from(cell.table).where(cell.column.is_not(None), _names(cell) == wanted)
        counted[cell.name] = transaction.scalar(asked) or 0
    return {name: number for name, number in counted.items() if number}


def _names(cell: Cell) -> Any:
    """The id of the key that a cell names, eight bytes."""
    return func.substr(cell.column, 2, HEAD_BYTES - 1, type_=cell.column.type)


def _note(
    transaction: Connection, key_id: str, cell: Cell, after: list[Any] | None, cells: int, finished: datetime | None
) -> None:
    held = key_backfill.c
    values = {
        "after_row": None if after is None else json.dumps(after),
        "cells": cells,
        "finished_at": None if finished is None else utc_naive(finished),
    }
    same = (held.key_id == key_id, held.cell == cell.name)
    if transaction.execute(update(key_backfill).where(*same).values(values)).rowcount == 0:
        transaction.execute(insert(key_backfill).values(key_id=key_id, cell=cell.name, **values))
