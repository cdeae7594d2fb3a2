"""How a gateway can be broken: each takes one of our precautions away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from sqlalchemy import insert, update

from gateway.crash import reach
from gateway.crypto.vault import Vault
from gateway.domain import batch_act
from gateway.domain.batch import BatchEvent, BatchState, next_state
from gateway.domain.batch_act import BatchAct
from gateway.errors import Transient
from gateway.stages import receipts, send, status_check
from gateway.store import batches, bodies, deliveries, outbox, utc_naive
from gateway.store.tables import batch, batch_attempt
from tests.simulation.patches import Patches


def no_sweep(patches: Patches) -> None:
    patches.put(status_check, "sweep", lambda _delivery: 0)


def never_asks(patches: Patches) -> None:
    """What became of a batch is not asked: it is sent again at once."""

    def again(delivery: Any) -> list[Any]:
        with delivery.context.store.begin() as transaction:
            for row in batches.due(transaction, delivery.target.target, [BatchState.UNCERTAIN], delivery.now()):
                batches.step(transaction, row, BatchEvent.UNKNOWN_THERE, delivery.now(), delivery.worker)
        return []

    patches.put(status_check, "ask", again)


def new_id_per_retry(patches: Patches) -> None:
    """What is to be sent again goes in a new message; the old one is forgotten."""
    claim = send._claim

    def renamed(delivery: Any) -> Any:
        with delivery.context.store.begin() as transaction:
            queued = batches.due(transaction, delivery.target.target, [BatchState.QUEUED], delivery.now())
            for row in [row for row in queued if row.attempts]:
                batches.step(transaction, row, BatchEvent.CANCELLED, delivery.now(), delivery.worker)
                records = deliveries.positions(transaction, row.batch_id)
                outbox.hold(transaction, row.target_id, records, outbox.RELEASED, delivery.now())
        return claim(delivery)

    patches.put(send, "_claim", renamed)


def claim_without_cas(patches: Patches) -> None:
    """Who has seen a queued batch takes it, whoever has taken it meanwhile."""

    def claimed(delivery: Any) -> Any:
        with delivery.context.store.read() as transaction:
            if not send.may_call(delivery, transaction):
                return None
            due = batches.due(transaction, delivery.target.target, [BatchState.QUEUED], delivery.now(), limit=1)
            if not due:
                return None
            body = bodies.read(transaction, due[0].batch_id)
        reach("s2")
        row, now, token = due[0], utc_naive(delivery.now()), due[0].lease_token + 1
        with delivery.context.store.begin() as transaction:
            taken = {"state": "SENDING", "lease_token": token, "lease_until": now + delivery.lease, "worker": "x"}
            transaction.execute(update(batch).where(batch.c.batch_id == row.batch_id).values(**taken))
            batches.write_event(
                *(transaction, row.batch_id, BatchEvent.CLAIMED, "QUEUED", "SENDING", delivery.now(), "x", None)
            )
            attempt = {"batch_id": row.batch_id, "attempt": token, "lease_token": token, "started_at": now}
            transaction.execute(
                insert(batch_attempt).prefix_with("OR IGNORE").values(**attempt, request_digest=row.body_digest)
            )
        return row._replace(state=BatchState.SENDING, lease_token=token), body

    patches.put(send, "_claim", claimed)


def write_without_token(patches: Patches) -> None:
    def step(
        connection: Any, row: Any, event: Any, at: Any, actor: str, *, detail: Any = None, next_attempt_at: Any = None,
        changes: Any = None,
    ) -> BatchState:  # fmt: skip
        to = next_state(row.state, event)
        again = None if next_attempt_at is None else utc_naive(next_attempt_at)
        done = connection.execute(
            update(batch)
            .where(batch.c.batch_id == row.batch_id, batch.c.state == row.state)
            .values(state=to, updated_at=utc_naive(at), next_attempt_at=again, **(changes or {}))
        )
        if done.rowcount != 1:
            raise Transient("batch.stale", batch=row.batch_id, state=str(row.state))
        batches.write_event(connection, row.batch_id, event, row.state, to, at, actor, detail)
        return to

    patches.put(batches, "step", step)


def reset_at_start(patches: Patches) -> None:
    """Whatever is being sent is taken for abandoned."""
    lapsed = batches.lapsed
    patches.put(batches, "lapsed", lambda connection, target, now: lapsed(connection, target, now + timedelta(days=9)))


def timer_beats_receipt(patches: Patches) -> None:
    """Once a deadline has passed a receipt is filed, and nothing else."""
    apply = receipts.apply

    def filed(delivery: Any, transaction: Any, batch_id: str, receipt: Any, raw: bytes) -> BatchState:
        row = batches.lock_batch(transaction, batch_id)
        if row is not None and row.state not in (BatchState.SENDING, BatchState.AWAITING_RECEIPT):
            return row.state
        return apply(delivery, transaction, batch_id, receipt, raw)

    patches.put(receipts, "apply", filed)


def digest_not_compared(patches: Patches) -> None:
    patches.put(send, "_obstacle", lambda row, _body, now: send.spent(row, now))


def attempts_while_open(patches: Patches) -> None:
    """A target that must not be called counts as an attempt."""
    may_call = send.may_call

    def counted(delivery: Any, transaction: Any) -> bool:
        if may_call(delivery, transaction):
            return True
        queued = batch.c.state.in_(["QUEUED", "RETRY_WAIT"])
        transaction.execute(update(batch).where(queued).values(attempts=batch.c.attempts + 1))
        return False

    patches.put(send, "may_call", counted)


def cancel_whatever(patches: Patches) -> None:
    fits = dict(batch_act.FITS)
    fits[BatchAct.CANCEL] = fits[BatchAct.CANCEL]._replace(proven=False)
    patches.put(batch_act, "FITS", fits)


def tag_not_checked(patches: Patches) -> None:
    """What was changed in a cell decrypts to something, and that something is sent."""

    def opened(self: Any, _purpose: str, _row_id: str, sealed: bytes) -> bytes:
        nonce, text = sealed[9:21], sealed[21:-16]
        plain: bytes = Cipher(self._opening[sealed[1:9]], modes.GCM(nonce)).decryptor().update(text)
        return plain

    patches.put(Vault, "open", opened)
