"""Void notices (作废通知): a sealed batch that will never be delivered (interface section 4)."""

from __future__ import annotations

import re
from typing import Any

from sandbox.platform import canonical
from sandbox.platform.clients import Client
from sandbox.platform.envelope import malformed, read_base64
from sandbox.platform.ledger import Hold, Ledger
from sandbox.platform.refusals import Refusal
from sandbox.platform.sender_keys import SenderKeys
from sandbox.platform.sequence import check_sequence
from sandbox.platform.times import Clock, read_time, write_time

_DOMAIN = b"HCP-VOID-1\0"
LARGEST_NOTICE = 65_536
_FORMS = {
    "sender": re.compile(r"\d{12}", re.ASCII),
    "stream": re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII),
    "batchId": re.compile(r"[0-9a-f]{32}"),
    "headerDigest": re.compile(r"[0-9a-f]{64}"),
    "reason": re.compile(r".*\S.*", re.DOTALL),
    "created": re.compile(r".{25}"),
    "senderKeyId": re.compile(r"[0-9a-f]{16}"),
    "signature": re.compile(r"[A-Za-z0-9+/]+={0,2}"),
}


class Voids:
    """Judges notices in the order malformed, sender, signature, conflict, accepted, sequence."""

    def __init__(self, ledger: Ledger, sender_keys: SenderKeys, clock: Clock) -> None:
        self._ledger = ledger
        self._sender_keys = sender_keys
        self._clock = clock

    def take(self, client: Client, body: bytes) -> None:
        """Hold the notice's seq; Refusal otherwise. Repeating it changes nothing."""
        notice = _read(body)
        sender, batch_id = notice["sender"], notice["batchId"]
        client.must_send_for(sender)
        self._check_signature(notice)
        hold = Hold(sender, notice["stream"], notice["seq"], batch_id, notice["headerDigest"], None)
        known = self._ledger.hold_of(batch_id)
        if known is not None and known.place != hold.place:
            raise Refusal("batch.conflict", "this batchId is held with another seq, stream or headerDigest")
        if self._ledger.delivered(batch_id):
            raise Refusal("batch.accepted", "this batch has a receipt with accepted or duplicate records")
        check_sequence(self._ledger, sender, hold.stream, hold.seq, batch_id, hold.header_digest, None)
        self._ledger.store_hold(hold)
        self._ledger.store_void(batch_id, body, write_time(self._clock.now()))

    def _check_signature(self, notice: dict[str, Any]) -> None:
        key = self._sender_keys.find(notice["senderKeyId"], notice["sender"])
        if key is None:
            raise Refusal("batch.signature", "unknown sender key")
        unsigned = {name: value for name, value in notice.items() if name != "signature"}
        signature = read_base64(notice["signature"], "signature")
        if not key.verifies(_DOMAIN + canonical.write(unsigned), signature):
            raise Refusal("batch.signature", "the signature does not fit")


def _read(body: bytes) -> dict[str, Any]:
    if len(body) > LARGEST_NOTICE:
        raise malformed("the notice is too long")
    try:
        notice = canonical.read(body)
    except canonical.NotCanonicalError as error:
        raise malformed("the notice is not canonical JSON") from error
    if not isinstance(notice, dict) or notice.keys() != {*_FORMS, "seq"}:
        raise malformed("the notice has not exactly its fields")
    for name, form in _FORMS.items():
        if not isinstance(notice[name], str) or not form.fullmatch(notice[name]):
            raise malformed(name)
    if type(notice["seq"]) is not int or notice["seq"] < 1:
        raise malformed("seq")
    try:
        read_time(notice["created"])
    except ValueError as error:
        raise malformed("created") from error
    read_base64(notice["signature"], "signature")
    return notice
