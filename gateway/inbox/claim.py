"""What a request claims (请求头): who sends it, signed with which key, when; and the text that its signature covers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from gateway.errors import Rejected

SCHEME = "HCP-INBOX-1"
SENDER, KEY, TIMESTAMP, NONCE, SIGNATURE, IDEMPOTENCY = (
    *("X-Inbox-Sender", "X-Inbox-Key", "X-Inbox-Timestamp", "X-Inbox-Nonce", "X-Inbox-Signature"),
    "Idempotency-Key",
)
FORMS = {
    SENDER: re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}"),
    KEY: re.compile(r"[A-Za-z0-9._-]{1,32}"),
    TIMESTAMP: re.compile(r"\d{10}"),
    NONCE: re.compile(r"[A-Za-z0-9_-]{16,64}"),
    SIGNATURE: re.compile(r"(?:[0-9A-Fa-f]{2}){32,80}"),
    IDEMPOTENCY: re.compile(r"[A-Za-z0-9._:-]{8,128}"),
}
STEP_BACK = timedelta(hours=1)  # nonces are kept for this much longer, should our own clock be set back


class Headers(Protocol):
    """Request headers by name, in any case."""

    def getlist(self, key: str) -> list[str]: ...


class Claim(NamedTuple):
    """The headers, well formed; nothing of it is proved before the signature is."""

    sender: str
    key: str
    timestamp: str
    nonce: str
    signature: bytes
    idempotency_key: str  # empty for a question, which changes nothing

    def signed_text(self, method: str, target: str, body_digest: str) -> bytes:
        """What the sender signs: nine lines, UTF-8, no line feed at the end.

        ``body_digest``: SM3, lower-case hex. ``target`` is the path, with ``?query`` if there is one, as it stands in
        the request line.
        """
        who = (self.sender, self.key, self.timestamp, self.nonce, self.idempotency_key)
        return "\n".join((SCHEME, method, target, *who, body_digest)).encode()

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(int(self.timestamp), UTC)

    def check_time(self, now: datetime, window: timedelta) -> None:
        """Raises ``Rejected('inbox.stale')`` when the sender's clock and ours are further apart than ``window``."""
        off = self.moment - now
        if abs(off) > window:
            params = {"off": round(off.total_seconds()), "window": round(window.total_seconds())}
            raise Rejected("inbox.stale", **params, server_time=int(now.timestamp()))

    def nonce_until(self, window: timedelta) -> datetime:
        """From when on this request would be too old, even if our clock were set back by an hour."""
        return self.moment + window + STEP_BACK


def read_claim(headers: Headers, *, changes: bool) -> Claim:
    """The claim of a request. ``changes``: it wants to land something, so it needs an idempotency key.

    Raises ``Rejected``: ``inbox.header_missing``, ``inbox.header_invalid``.
    """
    read = {name: _one(headers, name) for name in FORMS if changes or name != IDEMPOTENCY}
    return Claim(
        read[SENDER],
        read[KEY],
        read[TIMESTAMP],
        read[NONCE],
        bytes.fromhex(read[SIGNATURE]),
        read.get(IDEMPOTENCY, ""),
    )


def _one(headers: Headers, name: str) -> str:
    values = headers.getlist(name)
    if not values:
        raise Rejected("inbox.header_missing", header=name)
    if len(values) > 1 or not FORMS[name].fullmatch(values[0]):
        raise Rejected("inbox.header_invalid", header=name, form=FORMS[name].pattern)
    return values[0]
