"""Rotation of keys (密钥轮换), cryptography section 5.

A new data key seals from now on; old cells follow by backfill, in chunks, each in one transaction with its progress.
An old key is destroyed only when no cell names it. A new key-encryption key re-wraps the data keys and touches no cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.crypto.data_keys import CELLS, DESTROYED, WrappedKey, new_data_key, rewrap
from gateway.crypto.key_store import ACTIVE, RETIRING
from gateway.errors import Rejected
from gateway.stages.context import Context
from gateway.store import Transaction, audit, cells, keys, ledger, utc_aware, utc_naive


@dataclass(frozen=True, slots=True)
class DataKey:
    """One data key as lists show it; no key material. Times aware."""

    key_id: str
    purpose: str
    alg: str
    kek_id: str
    state: str
    not_before: datetime
    not_after: datetime | None


@dataclass(frozen=True, slots=True)
class BackfillReport:
    """Cells sealed anew, by column, since the key became active."""

    key_id: str
    cells: dict[str, int]


def data_keys(context: Context) -> list[DataKey]:
    """Every data key, oldest first."""
    with context.store.read() as transaction:
        rows = keys.stored_keys(transaction)
    return [
        DataKey(
            *(row.key_id, row.purpose, row.alg, row.kek_id, row.state),
            not_before=utc_aware(row.not_before),
            not_after=None if row.not_after is None else utc_aware(row.not_after),
        )
        for row in rows
    ]


def rotate(context: Context, actor: str, reason: str) -> str:
    """A new active key for cells, and the old one for opening only; the new one's id. Audited.

    Raises ``Rejected('keys.backfill_first')`` while an earlier rotation's cells still wait for their backfill.
    """
    _require(reason)
    now = utc_naive(context.clock())
    with context.store.begin() as transaction:
        ledger.lock(transaction)
        rows = [row for row in keys.stored_keys(transaction) if row.purpose == CELLS]
        waiting = [row.key_id for row in rows if row.state == RETIRING]
        if waiting and not _finished(transaction, _active(rows).key_id):
            raise Rejected("keys.backfill_first", key_id=waiting[0])
        for row in rows:
            if row.state == ACTIVE:
                keys.retire(transaction, row.key_id, RETIRING, now)
        new = new_data_key(context.keys.kek_for(_active(rows).kek_id), CELLS, now)
        keys.add_keys(transaction, [new])
        _note(transaction, context, actor, "keys.rotate", new.key_id, reason)
    context.vault.renew()
    return new.key_id


def backfill(context: Context, most: int | None = None) -> BackfillReport:
    """Seal all cells that name another key with the active one; ``most``: chunks of this run, for trying out.

    Killed anywhere, it goes on where its last transaction ended. Once it has come to its end, a further call walks all
    cells again: a process that began before the rotation may have written meanwhile.
    """
    context.vault.renew()
    key_id = context.vault.active_key

    def reseal(purpose: str, row_id: str, sealed: bytes) -> bytes:
        return context.vault.seal(purpose, row_id, context.vault.open(purpose, row_id, sealed))

    with context.store.begin() as transaction:
        if _finished(transaction, key_id):
            cells.begin_again(transaction, key_id)
    for cell in cells.CELLS:
        more = True
        while more and most != 0:
            with context.store.begin() as transaction:
                if cells.progress(transaction, key_id, cell).finished:
                    break
                more = cells.reseal_chunk(transaction, key_id, cell, reseal, context.clock())
            most = None if most is None else most - 1
    with context.store.read() as transaction:
        done = {cell.name: cells.progress(transaction, key_id, cell).cells for cell in cells.CELLS}
    return BackfillReport(key_id, done)


def destroy(context: Context, key_id: str, actor: str, reason: str) -> None:
    """Destroy a retired data key for good; its row stays. Audited.

    Raises ``Rejected``: ``keys.unknown``; ``keys.in_use`` (the key seals, or is destroyed already); ``keys.too_young``
    (a process that began before the rotation may still seal with it); ``keys.still_named`` (cells name it).
    """
    _require(reason)
    with context.store.begin() as transaction:
        ledger.lock(transaction)
        found = {row.key_id: row for row in keys.stored_keys(transaction)}.get(key_id)
        if found is None:
            raise Rejected("keys.unknown", key_id=key_id)
        if found.state != RETIRING or found.not_after is None:
            raise Rejected("keys.in_use", key_id=key_id, state=found.state)
        free = utc_aware(found.not_after) + timedelta(hours=context.settings.key_grace_hours)
        if context.clock() < free:
            raise Rejected("keys.too_young", key_id=key_id, free=free.isoformat(timespec="minutes"))
        named = cells.naming(transaction, key_id)
        if named:
            told = ", ".join(f"{cell} {number}" for cell, number in named.items())
            raise Rejected("keys.still_named", key_id=key_id, cells=told)
        keys.destroyed(transaction, key_id, DESTROYED)
        _note(transaction, context, actor, "keys.destroy", key_id, reason)
    context.vault.renew()


def rewrap_all(context: Context, actor: str, reason: str) -> str:
    """Put all data keys under a new key-encryption key; its id. Audited.

    The successor's file is there before the one transaction that uses it, and takes its place after it: whenever this
    is killed, the key that the rows name is in the folder, and running it again ends what was begun.
    """
    _require(reason)
    folder = context.keys
    new = folder.next_kek()
    with context.store.begin() as transaction:
        ledger.lock(transaction)
        rows = [row for row in keys.stored_keys(transaction) if row.state != DESTROYED]
        for row in rows:
            if row.kek_id != new.kek_id:
                keys.rewrapped(transaction, rewrap(folder.kek_for(row.kek_id), new, row))
        _note(transaction, context, actor, "keys.rewrap", new.kek_id, reason)
    folder.succeed_kek()
    context.vault.renew()
    return new.kek_id


def _active(rows: list[WrappedKey]) -> WrappedKey:
    return next(row for row in rows if row.state == ACTIVE)


def _finished(transaction: Transaction, key_id: str) -> bool:
    return all(cells.progress(transaction, key_id, cell).finished for cell in cells.CELLS)


def _require(reason: str) -> None:
    if not reason.strip():
        raise Rejected("act.reason_missing")


def _note(transaction: Transaction, context: Context, actor: str, act: str, object_id: str, reason: str) -> None:
    audit.record(transaction, audit.Act(context.clock(), actor, act, object_id, reason, "done"))
