"""A batch's way in: every check in its order, then store, apply, mark, answer (interface section 4).

A refusal leaves no trace. Stored, applied and marked are two commits: first the batch, then its effects together with
its receipt, so that a kill between any two steps leaves either nothing, a batch to be finished, or a finished one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from gateway.crypto.digest import sm3
from sandbox.platform.clients import Client
from sandbox.platform.crash import CrashPoints
from sandbox.platform.envelope import Envelope, Header, malformed, take_apart
from sandbox.platform.faults import Faults
from sandbox.platform.judge import Judge, Reading, in_order, read_all
from sandbox.platform.ledger import Ledger, StoredBatch
from sandbox.platform.opening import decrypt, gunzip, split, unpack
from sandbox.platform.own_keys import OwnKey, OwnKeys
from sandbox.platform.receipt import write_receipt
from sandbox.platform.record_rules import Record
from sandbox.platform.refusals import Refusal
from sandbox.platform.sender_keys import SenderKeys
from sandbox.platform.sequence import check_sequence
from sandbox.platform.times import Clock, write_time

LARGEST_CONTENT = 67_108_864
LARGEST_BODY = 16 * 1_048_576
MOST_RECORDS = 5_000
_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of the HTTP body, and records of one batch."""

    body: int = LARGEST_BODY
    records: int = MOST_RECORDS


class Intake:
    """Takes sealed batches for one recipient id."""

    def __init__(
        self,
        recipient: str,
        limits: Limits,
        ledger: Ledger,
        own_keys: OwnKeys,
        sender_keys: SenderKeys,
        judge: Judge,
        clock: Clock,
        faults: Faults,
        crash: CrashPoints,
    ) -> None:
        self._recipient = recipient
        self._limits = limits
        self._ledger = ledger
        self._own_keys = own_keys
        self._sender_keys = sender_keys
        self._judge = judge
        self._clock = clock
        self._faults = faults
        self._crash = crash

    def take(self, client: Client, headers: Mapping[str, str], body: bytes) -> bytes | None:
        """The receipt's bytes, or None while the batch is processing; Refusal otherwise."""
        if len(body) > self._limits.body:
            raise Refusal("batch.too_large", "HTTP body")
        body_digest = sm3(body).hex()
        if headers.get("x-batch-digest", "") != body_digest:
            raise Refusal("batch.transfer", "X-Batch-Digest does not fit the body")
        if headers.get("content-type", "") != "application/octet-stream":
            raise malformed("Content-Type is not application/octet-stream")
        envelope = take_apart(body)
        header = envelope.header
        if headers.get("x-batch-id", "") != header.batch_id:
            raise malformed("X-Batch-Id is not the header's batchId")
        client.must_send_for(header.sender)
        if self._is_known(envelope, body_digest):
            return self.finish(header.batch_id)
        key = self._check_envelope(client, envelope)
        packed = decrypt(envelope, key)
        records = split(envelope, unpack(envelope, packed))
        readings = read_all(records)
        if not in_order(readings):
            raise malformed("kinds out of order")
        code = self._faults.refuse_content(record.key for _, record in readings if isinstance(record, Record))
        if code is not None:
            raise Refusal(code, "refused on demand")
        self._store(envelope, body_digest, packed)
        return self.finish(header.batch_id, readings)

    def _is_known(self, envelope: Envelope, body_digest: str) -> bool:
        batch_id = envelope.header.batch_id
        known = self._ledger.batch(batch_id)
        if known is not None and known.body_digest != body_digest:
            raise Refusal("batch.conflict", "this batchId came with other bytes")
        hold = self._ledger.hold_of(batch_id)
        if hold is not None and hold.place != _place(envelope):
            raise Refusal("batch.conflict", "this batchId is held by a void notice for another batch")
        return known is not None

    def _check_envelope(self, client: Client, envelope: Envelope) -> OwnKey:
        """Suite, recipient, signature, time, sequence, declared sizes: all that can be said before decrypting."""
        header = envelope.header
        if header.suite not in client.senders[header.sender]:
            raise Refusal("batch.suite", "this suite is not taken from that sender")
        key = self._own_keys.unwrapping(header.suite, header.recipient_key_id)
        if header.recipient != self._recipient or key is None:
            raise Refusal("batch.recipient", "sealed for another receiver or key")
        self._check_signature(envelope)
        self._check_time(header)
        check_sequence(
            self._ledger, header.sender, header.stream, header.seq, header.batch_id, envelope.header_digest.hex(),
            header.prev_digest,
        )  # fmt: skip
        if header.record_count > self._limits.records or header.uncompressed_size > LARGEST_CONTENT:
            raise Refusal("batch.too_large", "recordCount or uncompressedSize")
        return key

    def _check_signature(self, envelope: Envelope) -> None:
        header = envelope.header
        key = self._sender_keys.find(header.sender_key_id, header.sender)
        algorithm = "ES256" if header.suite == "INTL-1" else "SGD_SM3_SM2"
        if key is None or key.algorithm != algorithm:
            raise Refusal("batch.signature", "unknown sender key")
        if not key.verifies(envelope.signed, envelope.signature):
            raise Refusal("batch.signature", "the signature does not fit")

    def _check_time(self, header: Header) -> None:
        now = self._clock.now()
        if header.created > now + _AHEAD:
            raise Refusal("batch.expired", "created lies in the future")
        if header.expires <= now:
            raise Refusal("batch.expired", "the batch has expired")

    def _store(self, envelope: Envelope, body_digest: str, packed: bytes) -> None:
        header = envelope.header
        self._crash.reach("r1")
        self._ledger.store_batch(
            StoredBatch(
                batch_id=header.batch_id,
                sender=header.sender,
                stream=header.stream,
                seq=header.seq,
                suite=header.suite,
                business_date=header.business_date,
                header_digest=envelope.header_digest.hex(),
                merkle_root=header.merkle_root,
                body_digest=body_digest,
                compression=header.compression,
                packed=packed,
                received_at=write_time(self._clock.now()),
            ),
            header.prev_digest,
        )
        self._ledger.commit()
        self._crash.reach("r2")
        self._faults.delay_processing(header.batch_id)

    def finish(self, batch_id: str, readings: list[Reading] | None = None) -> bytes | None:
        """The stored receipt; or judge, apply and mark a batch that is only stored. None while it is held back.

        ``readings`` spares the reading of what has just been stored.
        """
        receipt = self._ledger.receipt(batch_id)
        if receipt is not None:
            return receipt
        batch = self._ledger.batch(batch_id)
        if batch is None or self._faults.still_processing(batch_id):
            return None
        now = self._clock.now()
        readings = readings or read_all(stored_records(batch))
        judgement = self._judge.judge(batch.sender, readings, now, self._faults.refuse_record)
        self._ledger.apply(batch, judgement.effects)
        self._crash.reach("r3")
        receipt = write_receipt(batch, judgement, now, self._own_keys)
        delivered = len(judgement.effects) + judgement.duplicates
        self._ledger.mark(batch_id, receipt, delivered, write_time(now))
        self._ledger.commit()
        self._crash.reach("r4")
        return receipt

    def recover(self) -> None:
        """Finish what a former process had stored and not marked."""
        for batch_id in self._ledger.unfinished():
            self.finish(batch_id)


def _place(envelope: Envelope) -> tuple[str, str, int, str]:
    header = envelope.header
    return header.sender, header.stream, header.seq, envelope.header_digest.hex()


def stored_records(batch: StoredBatch) -> list[bytes]:
    """The records of a batch that passed its digests before it was stored."""
    content = gunzip(batch.packed, LARGEST_CONTENT) if batch.compression == "gzip" else batch.packed
    return content.split(b"\n")
