"""Deliberately broken designs (变异): the specification's M1 to M16, each put in the place of ours within a block.

M1 to M6, M12 and M13 break the receiver too, as the systems did that they come from. ``stories`` are those that must
catch it, among them one that ours survives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from sqlalchemy import insert, update

from gateway.crash import reach
from gateway.crypto.vault import Vault
from gateway.domain import batch_act
from gateway.domain.batch import BatchEvent, BatchState, next_state
from gateway.domain.batch_act import BatchAct
from gateway.errors import Transient
from gateway.stages import receipts, send, status_check
from gateway.store import batches, deliveries, outbox, utc_naive
from gateway.store.tables import batch, batch_attempt
from sandbox.platform.api import Api
from sandbox.platform.intake import Intake, stored_records
from sandbox.platform.judge import Judge, Judgement, read_all
from sandbox.platform.ledger import Ledger
from sandbox.platform.receipt import write_receipt
from sandbox.platform.record_rules import UnacceptableError
from sandbox.platform.refusals import Refusal
from sandbox.platform.times import read_time, write_time
from tests.simulation.story import Story, with_faults

Patch = Callable[["Patches"], None]


class Patches:
    """What was put in the place of what; put back at the end."""

    def __init__(self) -> None:
        self._undo = ExitStack()

    def put(self, owner: Any, name: str, new: Any) -> Any:
        """``new`` in place of ``owner.name``, which is returned."""
        old = getattr(owner, name)
        setattr(owner, name, new)
        self._undo.callback(setattr, owner, name, old)
        return old

    def put_back(self) -> None:
        self._undo.close()


@dataclass(frozen=True)
class Mutant:
    """A broken design, and the stories that show it."""

    does: str
    breaks: Patch
    stories: tuple[Story, ...]

    @contextmanager
    def in_force(self) -> Iterator[None]:
        patches = Patches()
        try:
            self.breaks(patches)
            yield
        finally:
            patches.put_back()


# ── the gateway's side ───────────────────────────────────────────────────────────────────────────────────────────


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
            body = batches.read_body(transaction, due[0].batch_id)
        reach("s2")
        row, now, token = due[0], utc_naive(delivery.now()), due[0].lease_token + 1
        with delivery.context.store.begin() as transaction:
            taken = {"state": "SENDING", "lease_token": token, "lease_until": now + delivery.lease, "worker": "x"}
            transaction.execute(update(batch).where(batch.c.batch_id == row.batch_id).values(**taken))
            batches.write_event(
                *(transaction, row.batch_id, BatchEvent.CLAIMED, "QUEUED", "SENDING", delivery.now(), "x", None)
            )
            attempt = {"batch_id": row.batch_id, "attempt": token, "lease_token": token, "started_at": now}
            transaction.execute(insert(batch_attempt).prefix_with("OR IGNORE").values(**attempt, request_digest=row.body_digest))
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


# ── the receiver's side ──────────────────────────────────────────────────────────────────────────────────────────


def duplicate_is_an_error(patches: Patches) -> None:
    """A batch or a record that is held already is answered like a broken one."""
    known, judge = Intake._is_known, Judge._judge_one

    def refused(self: Any, envelope: Any, digest: str) -> bool:
        if known(self, envelope, digest):
            raise Refusal("batch.malformed", "duplicate")
        return False

    def judged(self: Any, record: Any, digest: bytes, held: Any, latest: str, refuse: Any) -> None:
        if held[record.kind, record.key].get(record.version) == digest:
            raise UnacceptableError("schema.invalid", "duplicate")
        judge(self, record, digest, held, latest, refuse)

    patches.put(Intake, "_is_known", refused)
    patches.put(Judge, "_judge_one", judged)


def keyed_on_the_transport(patches: Patches) -> None:
    """Each attempt is a message of its own: it takes effect, whatever came before."""
    finish = Intake.finish

    def again(self: Any, batch_id: str, readings: Any = None) -> bytes | None:
        receipt = self._ledger.receipt(batch_id)
        if receipt is not None and readings is None:
            rows = self._ledger.db.execute("SELECT kind, key, version, digest, place FROM effect WHERE batch_id = ?", (batch_id,))
            for row in rows.fetchall():
                self._ledger._write(
                    "INSERT INTO effect (kind, key, version, digest, batch_id, place) VALUES (?, ?, ?, ?, ?, ?)",
                    (*row[:4], batch_id, row[4]),
                )
            return bytes(receipt)
        return finish(self, batch_id, readings)

    patches.put(Intake, "finish", again)


def nobody_knows_the_id(patches: Patches) -> None:
    """A status query by a stable id finds nothing: messages are known by another."""

    def unknown(_self: Any, _client: Any, _request: Any, _body: bytes) -> Any:
        raise Refusal("batch.unknown", "never seen")

    patches.put(Api, "_batch_status", unknown)


def receipt_for_every_duplicate(patches: Patches) -> None:
    """What comes twice is receipted, whether the first one took effect or not."""
    finish = Intake.finish

    def receipted(self: Any, batch_id: str, readings: Any = None) -> bytes | None:
        stored = self._ledger.batch(batch_id)
        if stored is None or readings is not None or self._ledger.receipt(batch_id) is not None:
            return finish(self, batch_id, readings)
        found = read_all(stored_records(stored))
        items = [{"index": at, "key": one.key, "code": "duplicate", "message": ""} for at, (_, one) in enumerate(found)]  # type: ignore[union-attr]
        now = self._clock.now()
        receipt = write_receipt(stored, Judgement(items, [], len(items)), now, self._own_keys)  # type: ignore[arg-type]
        self._ledger.mark(batch_id, receipt, len(items), write_time(now))
        self._ledger.commit()
        return receipt

    patches.put(Intake, "finish", receipted)
    patches.put(Intake, "recover", lambda _self: None)


def effect_on_its_own(patches: Patches) -> None:
    """Effects are committed before what says that they were."""
    apply = Ledger.apply

    def torn(self: Any, stored: Any, effects: Any) -> None:
        self._begin()
        self.db.executemany(
            "INSERT INTO effect (kind, key, version, digest, batch_id, place) VALUES (?, ?, ?, ?, ?, ?)",
            [(e.kind, e.key, e.version, e.digest, stored.batch_id, e.place) for e in effects],
        )
        self.commit()
        apply(self, stored, [])
        self.db.executemany(
            "INSERT INTO held VALUES (?, ?, ?, ?, ?, ?)",
            [(stored.sender, e.kind, e.key, e.version, e.digest, stored.business_date) for e in effects],
        )

    patches.put(Ledger, "apply", torn)


def receipt_before_commit(patches: Patches) -> None:
    """The answer goes out first; what it speaks of is committed when the next call comes."""
    answer = Api._answer
    commit = patches.put(Ledger, "commit", lambda _self: None)

    def answered(self: Any, work: Any, request: Any, body: bytes) -> Any:
        commit(self._platform.ledger)
        return answer(self, work, request, body)

    patches.put(Api, "_answer", answered)


def memory_of_ten_minutes(patches: Patches) -> None:
    """What came longer ago is forgotten."""
    known = Intake._is_known

    def forgetful(self: Any, envelope: Any, digest: str) -> bool:
        _forget(self._ledger, self._clock.now())
        return known(self, envelope, digest)

    status = Api._batch_status

    def asked(self: Any, client: Any, request: Any, body: bytes) -> Any:
        _forget(self._platform.ledger, self._platform.clock.now())
        return status(self, client, request, body)

    patches.put(Intake, "_is_known", forgetful)
    patches.put(Api, "_batch_status", asked)


def _forget(ledger: Ledger, now: Any) -> None:
    rows = ledger.db.execute("SELECT batch_id, received_at FROM batch").fetchall()
    old = [batch_id for batch_id, at in rows if now - read_time(at) > timedelta(minutes=10)]
    for batch_id in old:
        for table in ("batch", "receipt", "hold"):
            ledger._write(f"DELETE FROM {table} WHERE batch_id = ?", (batch_id,))
        ledger._write("DELETE FROM held WHERE (kind, key) IN (SELECT kind, key FROM effect WHERE batch_id = ?)", (batch_id,))
    ledger.commit()


def nonces_in_memory(patches: Patches) -> None:
    seen: dict[int, set[str]] = {}

    def use(self: Any, paasid: str, nonce: str, _at: str) -> bool:
        mine = seen.setdefault(id(self), set())
        fresh = nonce not in mine
        mine.add(nonce)
        return fresh

    patches.put(Ledger, "use_nonce", use)


def all_of(*parts: Patch) -> Patch:
    def together(patches: Patches) -> None:
        for part in parts:
            part(patches)

    return together


LOST = "the call: applied, reply lost"
MUTANTS: Final[dict[str, Mutant]] = {
    "M1": Mutant(
        "new id per retry, no sweep, a duplicate is an error",
        all_of(new_id_per_retry, no_sweep, never_asks, duplicate_is_an_error),
        (with_faults((0, LOST)), with_faults((0, "killed at s3"))),
    ),
    "M2": Mutant(
        "new transport id per attempt, the receiver keyed on it",
        all_of(keyed_on_the_transport, nobody_knows_the_id),
        (with_faults((0, LOST)),),
    ),
    "M3": Mutant(
        "stable id, a duplicate is an error",
        all_of(never_asks, duplicate_is_an_error),
        (with_faults((0, LOST)), with_faults((0, "killed at s3"))),
    ),
    "M4": Mutant(
        "a receipt for every duplicate", receipt_for_every_duplicate, (with_faults((0, "the platform dies at r2")),)
    ),
    "M5": Mutant("the effect in its own transaction", effect_on_its_own, (with_faults((0, "the platform dies at r3")),)),
    "M6": Mutant("the receipt before the commit", receipt_before_commit, (with_faults((1, "the platform restarts")),)),
    "M7": Mutant(
        "claim without CAS", claim_without_cas, (with_faults((0, "a second worker while the first is at s2")),)
    ),
    "M8": Mutant("write without token", write_without_token, (with_faults((0, "a worker wakes with a stale answer")),)),
    "M9": Mutant(
        "all that is being sent is reset at start", reset_at_start,
        (with_faults((0, "a second worker while the first is at send.leaving")),),
    ),
    "M10": Mutant("the timer beats the receipt", timer_beats_receipt, (with_faults((0, LOST)),)),
    "M11": Mutant("the digest is not compared", digest_not_compared, (with_faults((0, "a stored byte changes")),)),
    "M12": Mutant(
        "what came is remembered for 10 minutes", memory_of_ten_minutes,
        (with_faults((0, "killed at s3"), (1, "a night passes")),),
    ),
    "M13": Mutant(
        "nonces in memory", nonces_in_memory, (with_faults((0, "the call: request captured and replayed")),)
    ),
    "M14": Mutant("the tag is not checked", tag_not_checked, (with_faults((1, "a sealed cell changes")),)),
    "M15": Mutant(
        "attempts are counted while the breaker is open", attempts_while_open,
        (with_faults((0, "the breaker opens")),),
    ),
    "M16": Mutant(
        "cancel although it may have arrived", cancel_whatever,
        (
            with_faults(
                (0, "the call: applied, reply after the deadline"), (0, "the query: lost"),
                (1, "an operator holds a batch"), (1, "an operator cancels what waits"),
            ),
        ),
    ),
}  # fmt: skip
