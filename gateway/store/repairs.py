"""What people did about a day's differences (对账处置): explanations that hold while the difference stays the same, and
the two names under a day's result."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from gateway.crypto.canonical import canonical_json
from gateway.crypto.digest import Sm3, sm3_hex
from gateway.domain.batch import RECEIPTED
from gateway.domain.wire import KIND_ORDER
from gateway.errors import Transient
from gateway.store import reconciliations
from gateway.store.batch_records import RECORD_DIGEST
from gateway.store.batches import BatchRow
from gateway.store.database import utc_aware, utc_naive
from gateway.store.deliveries import BatchItem
from gateway.store.reconciliations import CHUNK, MISSING_HERE, Difference
from gateway.store.tables import (
    batch,
    batch_attempt,
    batch_record,
    ledger_record,
    reconciliation_repair,
    reconciliation_sign,
)


class Repair(NamedTuple):
    """One difference that a person explained."""

    kind: str
    record_key: str
    difference: str
    act: str
    actor: str
    reason: str
    done_at: datetime


class Signature(NamedTuple):
    """One name under a day's result."""

    signer: str
    reason: str
    signed_at: datetime


def fingerprint(difference: Difference) -> str:
    """SM3 of all that makes this difference; once a side changes, it is another one."""
    return sm3_hex(canonical_json(list(difference)))


def unrepaired(
    connection: Connection, target_id: str, business_date: str, kind: str, differences: list[Difference]
) -> list[Difference]:
    """Those of ``differences`` that nobody has explained, or not as they are now."""
    repair = reconciliation_repair
    known: dict[str, str] = {}
    keys = [one.record_key for one in differences]
    for start in range(0, len(keys), CHUNK):
        asked = select(repair.c.record_key, repair.c.fingerprint).where(
            repair.c.target_id == target_id,
            repair.c.business_date == business_date,
            repair.c.kind == kind,
            repair.c.record_key.in_(keys[start : start + CHUNK]),
        )
        known.update((row[0], row[1]) for row in connection.execute(asked))
    return [one for one in differences if known.get(one.record_key) != fingerprint(one)]


def explain(
    connection: Connection,
    target_id: str,
    business_date: str,
    kind: str,
    differences: list[Difference],
    act: str,
    actor: str,
    reason: str,
    at: datetime,
) -> None:
    """Note that ``differences`` are explained by ``act``; they are open no more."""
    repair, keys = reconciliation_repair, [one.record_key for one in differences]
    day = {"target_id": target_id, "business_date": business_date, "kind": kind}
    connection.execute(
        delete(repair).where(*(repair.c[name] == value for name, value in day.items()), repair.c.record_key.in_(keys))
    )
    done = {"act": act, "actor": actor, "reason": reason, "done_at": utc_naive(at)}
    rows = [
        day | done | {"record_key": o.record_key, "difference": o.difference, "fingerprint": fingerprint(o)}
        for o in differences
    ]
    connection.execute(insert(repair), rows)
    reconciliations.drop_items(connection, target_id, business_date, kind, keys)


def repairs(connection: Connection, target_id: str, business_date: str, limit: int = 1000) -> list[Repair]:
    """Explanations of a day, by kind and key."""
    repair = reconciliation_repair
    found = connection.execute(
        select(*(repair.c[name] for name in Repair._fields))
        .where(repair.c.target_id == target_id, repair.c.business_date == business_date)
        .order_by(repair.c.kind, repair.c.record_key)
        .limit(limit)
    )
    return [Repair(*row)._replace(done_at=utc_aware(row.done_at)) for row in found]


def count_repairs(connection: Connection, target_id: str, business_date: str) -> dict[str, int]:
    """How many differences of a day were explained, by act."""
    repair = reconciliation_repair
    found = connection.execute(
        select(repair.c.act, func.count())
        .where(repair.c.target_id == target_id, repair.c.business_date == business_date)
        .group_by(repair.c.act)
    )
    return {row[0]: row[1] for row in found}


def holding(
    connection: Connection, target_id: str, business_date: str, kind: str, keys: Iterable[str]
) -> list[tuple[str, BatchItem]]:
    """Accepted records of the day under ``keys``: their batch, and where they came from."""
    found = connection.execute(
        select(
            batch.c.batch_id,
            batch_record.c.item,
            batch_record.c.position,
            ledger_record.c.kind,
            ledger_record.c.record_key,
            ledger_record.c.source_id,
            ledger_record.c.page_id,
            ledger_record.c.page_index,
            ledger_record.c.received_at,
        )
        .join(batch_record, batch_record.c.batch_number == batch.c.number)
        .join(ledger_record, ledger_record.c.position == batch_record.c.position)
        .where(
            batch.c.target_id == target_id,
            batch.c.business_date == business_date,
            batch_record.c.code.is_(None),
            ledger_record.c.kind == kind,
            ledger_record.c.record_key.in_(list(keys)),
        )
        .order_by(batch.c.seq, batch_record.c.item)
    )
    return [(row[0], BatchItem(*row[1:-1], utc_aware(row[-1]))) for row in found]


def result_digest(connection: Connection, target_id: str, business_date: str) -> str:
    """SM3 over the day's figures and open differences: what a name is put to."""
    whole = Sm3()
    for day in reconciliations.compared(connection, target_id, business_date, business_date):
        whole.update(canonical_json(list(day.comparison)) + b"\n")
    for kind in KIND_ORDER:
        after = ""
        while page := reconciliations.items(connection, target_id, business_date, kind, after=after):
            for one in page:
                whole.update(canonical_json([kind, *one]) + b"\n")
            after = page[-1].record_key
    return whole.hexdigest()


def sign(
    connection: Connection, target_id: str, business_date: str, digest: str, signer: str, reason: str, at: datetime
) -> None:
    """Put ``signer``'s name to the result with ``digest``; once is enough."""
    if signer not in {one.signer for one in signatures(connection, target_id, business_date, digest)}:
        row = {"target_id": target_id, "business_date": business_date, "result_digest": digest}
        named = {"signer": signer, "reason": reason, "signed_at": utc_naive(at)}
        connection.execute(insert(reconciliation_sign).values(row | named))


def signatures(connection: Connection, target_id: str, business_date: str, digest: str) -> list[Signature]:
    """The names under the result with ``digest``, in the order of signing."""
    signed = reconciliation_sign
    found = connection.execute(
        select(*(signed.c[name] for name in Signature._fields))
        .where(
            signed.c.target_id == target_id,
            signed.c.business_date == business_date,
            signed.c.result_digest == digest,
        )
        .order_by(signed.c.signed_at, signed.c.signer)
    )
    return [Signature(row[0], row[1], utc_aware(row[2])) for row in found]


def proven(connection: Connection, target_id: str, kind: str, differences: list[Difference]) -> set[str]:
    """Keys of what is missing here and yet proven to be ours: it came again, in whatever batch, and a receipt said of
    these very bytes that the platform held them already."""
    theirs = {one.record_key: one.their_digest for one in differences if one.difference == MISSING_HERE}
    keys, found = list(theirs), set[str]()
    for start in range(0, len(keys), CHUNK):
        asked = (
            select(ledger_record.c.record_key, RECORD_DIGEST)
            .join(batch_record, batch_record.c.position == ledger_record.c.position)
            .join(batch, batch.c.number == batch_record.c.batch_number)
            .where(
                batch.c.target_id == target_id,
                batch.c.state.in_(list(RECEIPTED)),
                batch_record.c.code == "duplicate",
                ledger_record.c.kind == kind,
                ledger_record.c.record_key.in_(keys[start : start + CHUNK]),
            )
        )
        found.update(key for key, digest in connection.execute(asked) if bytes(digest).hex() == theirs[key])
    return found


def begin_again(connection: Connection, row: BatchRow, now: datetime, lease: timedelta, worker: str) -> BatchRow:
    """One more attempt of a batch that has its receipt, under a new token: commit it before the first byte leaves.

    ``Transient('batch.stale')`` when the batch moved, or another worker was faster.
    """
    token = row.lease_token + 1
    taken = connection.execute(
        update(batch)
        .where(batch.c.batch_id == row.batch_id, batch.c.state == row.state, batch.c.lease_token == row.lease_token)
        .values(lease_token=token, lease_until=utc_naive(now + lease), worker=worker)
    )
    if taken.rowcount != 1:
        raise Transient("batch.stale", batch=row.batch_id, state=str(row.state))
    times = {"started_at": utc_naive(now), "send_started_at": utc_naive(now)}
    connection.execute(
        insert(batch_attempt).values(
            batch_id=row.batch_id, attempt=token, lease_token=token, request_digest=row.body_digest, **times
        )
    )
    return row._replace(lease_token=token)
