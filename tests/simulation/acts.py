"""What people do in a simulated world: operators to batches and targets, key owners to keys, and Murphy to a byte."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import update

from gateway.crypto.ciphers import TAG
from gateway.domain.batch_act import BatchAct
from gateway.errors import Rejected
from gateway.stages import own_keys
from gateway.stages.batch_acts import ActReport, Order, act_on
from gateway.stages.delivery import open_delivery
from gateway.stages.delivery_acts import (
    plan_maintenance,
    resume_target,
    show_target,
    suspend_target,
)
from gateway.stages.receipts_late import take_receipt
from gateway.stages.recover import recover
from gateway.stages.second_person import approvals_waiting, approve
from gateway.store import batches, bodies
from gateway.store.ledger import PERSONAL, personal_row
from gateway.store.tables import ledger_record
from sandbox.platform.own_keys import public_pem, throwaway_signer
from tests.simulation.world import TARGET, World

FIRST, SECOND, REASON = "王工", "李工", "演练"
ALGORITHM = "SGD_SM3_SM2"
WAITING_BODY = """
    SELECT b.batch_id, y.body FROM batch b JOIN batch_body y ON y.batch_id = b.batch_id
    WHERE b.state = 'QUEUED' ORDER BY b.seq LIMIT 1
"""
UNTIL_PROVEN = timedelta(hours=1)
UNPROVEN = """
    SELECT created_at FROM batch
    WHERE state = 'SUSPENDED' AND maybe_sent = 1 AND failure_code IN ('batch.held', 'batch.sequence')
"""
FRESH_CELL = """
    SELECT position, record_key, version, personal FROM ledger_record
    WHERE kind = 'service' AND position > :sealed ORDER BY position LIMIT 1
"""


def ids(world: World, *states: str) -> list[str]:
    """Batches in ``states``, in the order of sealing; without any, all."""
    found = world.rows("SELECT batch_id, state FROM batch ORDER BY seq")
    return [batch_id for batch_id, state in found if state in states or not states]


def do(world: World, act: BatchAct, batch_ids: list[str], **more: object) -> ActReport:
    """Any number of batches, and where two must agree two do."""
    report = act_on(world.context, Order(act, FIRST, REASON, **more), batch_ids)  # type: ignore[arg-type]
    for one in approvals_waiting(world.context):
        approve(world.context, one.approval_id, SECOND, REASON)
    return report


def act(name: str) -> Callable[[World], None]:
    """To every batch that there is; those to which it can't be done stay as they are."""

    def acted(world: World) -> None:
        do(world, BatchAct(name), ids(world))

    return acted


def resume_all(world: World) -> None:
    """Whatever stands still, without asking why."""
    with suppress(Rejected):
        resume_target(world.context, TARGET, FIRST, REASON)
    do(world, BatchAct.RESUME, ids(world, "SUSPENDED"))


def suspend(world: World) -> None:
    suspend_target(world.context, TARGET, FIRST, REASON)
    world.lasts(1, lambda: resume_all(world))


def maintain(world: World) -> None:
    """A window that begins now; it ends by itself."""
    now = world.clock()
    plan_maintenance(world.context, TARGET, now, now + timedelta(minutes=3), FIRST, REASON)


def ask_again(world: World) -> None:
    """For every batch, whatever became of it, five times."""
    with open_delivery(world.context, TARGET) as delivery:
        for batch_id in ids(world):
            for _ in range(5):
                with world.context.store.read() as transaction:
                    row = batches.read_batch(transaction, batch_id)
                if row is not None:
                    take_receipt(delivery, row)


def cancel_untimely(world: World) -> None:
    """Batches that were sealed by a clock far ahead: nobody takes them before their time, so their records go anew."""
    do(world, BatchAct.CANCEL, untimely(world, "SUSPENDED"))


def untimely(world: World, *states: str) -> list[str]:
    """Batches in ``states`` whose time has not come."""
    known = world.rows("SELECT batch_id, state, created_at FROM batch ORDER BY seq")
    return [batch_id for batch_id, state, made in known if state in states and _ahead(world, made) > timedelta(0)]


def leave_unproven(world: World) -> timedelta:
    """What nobody takes as it is, and may have arrived all the same, is not sent again, since each attempt would put
    off the proof that it hasn't; how long that takes, or until its time has come. Nought if there is nothing."""
    do(world, BatchAct.SUSPEND, untimely(world, "QUEUED", "RETRY_WAIT", "UNCERTAIN"))
    waits = [_ahead(world, made) for (made,) in world.rows(UNPROVEN)]
    return max([UNTIL_PROVEN, *waits]) if waits else timedelta(0)


def _ahead(world: World, made: str) -> timedelta:
    return datetime.fromisoformat(made) - world.clock().replace(tzinfo=None)


def recover_books(world: World) -> None:
    """After a restore: what the platform has and we lack."""
    recover(world.context, TARGET, FIRST, REASON, dry_run=False)


# ── stored bytes ─────────────────────────────────────────────────────────────────────────────────────────────────


def damage(world: World) -> None:
    """One byte of the first batch that waits to be sent; an operator will know the original."""
    for batch_id, body in world.rows(WAITING_BODY):
        world.originals.setdefault(batch_id, bytes(body))
        with world.context.store.begin() as transaction:
            bodies.replace(transaction, batch_id, bytes(body[:-1]) + bytes([body[-1] ^ 1]))


def damage_cell(world: World) -> None:
    """A digit in the telephone number of a case that is in no batch yet, below its seal."""
    sealed = show_target(world.context, TARGET).position
    for position, key, version, cell in world.rows(FRESH_CELL, sealed=sealed):
        plain = world.context.vault.open(PERSONAL, personal_row("service", key, version), cell)
        digit = len(cell) - TAG - len(plain) + plain.index(b"13800138000")
        damaged = cell[:digit] + bytes([cell[digit] ^ 1]) + cell[digit + 1 :]
        with world.context.store.begin() as transaction:
            transaction.execute(
                update(ledger_record).where(ledger_record.c.position == position).values(personal=damaged)
            )


def restore_bytes(world: World) -> None:
    for batch_id in ids(world, "INTERRUPTED"):
        do(world, BatchAct.RESTORE, [batch_id], body=world.originals.get(batch_id))


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def rotate_platform(world: World) -> None:
    """Its receipts bear a key that nobody has pinned here; a person pins it when faults end."""
    key = throwaway_signer("GM-GCM-1")
    world.receiver.sign_with(key)
    world.lasts(2, lambda: world.context.keys.pin(public_pem(key.spki), "sig"))


def rotate_ours(world: World) -> None:
    """As it should be done: made, registered, used."""
    made = own_keys.make_key(world.context, ALGORITHM, 365, FIRST, REASON)
    register_ours(world)
    own_keys.activate_key(world.context, made.key_id, FIRST, REASON)


def rotate_unregistered(world: World) -> None:
    made = own_keys.make_key(world.context, ALGORITHM, 365, FIRST, REASON)
    own_keys.activate_key(world.context, made.key_id, FIRST, REASON)


def register_ours(world: World) -> None:
    folder: Path = world.place / "platform" / "sender"
    for half in own_keys.public_halves(world.context.keys):
        (folder / f"{half.key_id}.pem").write_text(half.pem)
