"""The keys that senders sign with (发送方密钥): read from the connection by name, checked before the first request."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from connectors.inbox.options import Key, Options, Sender
from gateway.crypto import sm2
from gateway.crypto.digest import hmac_sm3
from gateway.errors import Misconfigured
from gateway.settings import Connection
from schemas.source import SourceFile

LEAST_SECRET = 32  # bytes
HALF = 32  # bytes of r, and of s
Check = Callable[[bytes, bytes], bool]  # (message, signature) -> is it this key's?


@dataclass(frozen=True, slots=True)
class SenderKey:
    """One key, ready to verify with."""

    key: Key
    verify: Check

    def is_valid(self, now: datetime) -> bool:
        """Within its time? ``now``: aware."""
        after, until = self.key.not_before, self.key.not_after
        return (after is None or after <= now) and (until is None or now < until)


def sender_keys(source: SourceFile, options: Options, connection: Connection) -> dict[tuple[str, str], SenderKey]:
    """Every key by sender and key id. Raises ``Misconfigured``: ``inbox.key_missing``, ``inbox.key_unusable``."""
    stored = connection.extra.get("keys") or {}
    return {
        (sender.id, key.id): SenderKey(key, _check(source, sender, key, stored))
        for sender in options.senders
        for key in sender.keys
    }


def _check(source: SourceFile, sender: Sender, key: Key, stored: dict[str, object]) -> Check:
    about = {"source": source.source, "sender": sender.id, "key": key.id, "connection": source.connection}
    secret = stored.get(key.secret)
    if not isinstance(secret, str):
        raise Misconfigured("inbox.key_missing", **about, name=key.secret)
    try:
        return _hmac_check(secret) if key.algorithm == "hmac_sm3" else _sm2_check(secret, raw=key.signature == "raw")
    except (ValueError, Misconfigured) as unusable:
        raise Misconfigured("inbox.key_unusable", **about) from unusable


def _hmac_check(secret: str) -> Check:
    key = bytes.fromhex(secret)
    if len(key) < LEAST_SECRET:
        raise ValueError("too short")
    return lambda message, signature: hmac.compare_digest(hmac_sm3(key, message), signature)


def _sm2_check(pem: str, *, raw: bool) -> Check:
    key = sm2.load_public(pem.encode())
    if not raw:
        return lambda message, signature: sm2.verify(key, message, signature)
    return lambda message, signature: len(signature) == 2 * HALF and sm2.verify(key, message, _der(signature))


def _der(raw: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(raw[:HALF]), int.from_bytes(raw[HALF:]))
