"""How a receiver can be broken, as real ones were: each in the place of the double's own care."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.platform.api import Api
from sandbox.platform.intake import Intake, stored_records
from sandbox.platform.judge import Judge, Judgement, read_all
from sandbox.platform.ledger import Ledger
from sandbox.platform.receipt import write_receipt
from sandbox.platform.record_rules import UnacceptableError
from sandbox.platform.refusals import Refusal
from sandbox.platform.times import read_time, write_time
from tests.simulation.patches import Patches


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
        if receipt is None or readings is not None:
            return finish(self, batch_id, readings)
        self._ledger._write(
            "INSERT INTO effect (kind, key, version, digest, batch_id, place) "
            "SELECT DISTINCT kind, key, version, digest, batch_id, place FROM effect WHERE batch_id = ?",
            (batch_id,),
        )
        return bytes(receipt)

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
        ledger._write(
            "DELETE FROM held WHERE (kind, key) IN (SELECT kind, key FROM effect WHERE batch_id = ?)", (batch_id,)
        )
    ledger.commit()


def nonces_in_memory(patches: Patches) -> None:
    seen: dict[int, set[str]] = {}

    def use(self: Any, paasid: str, nonce: str, _at: str) -> bool:
        mine = seen.setdefault(id(self), set())
        fresh = nonce not in mine
        mine.add(nonce)
        return fresh

    patches.put(Ledger, "use_nonce", use)
