"""Landing what was pushed (落地): raw bytes, nonce and idempotency key of a group of requests in one transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from gateway.connector import Page
from gateway.crypto.digest import sm3_hex
from gateway.inbox.claim import Claim
from gateway.stages.context import Context
from gateway.stages.pull import landing
from gateway.store import inbox
from gateway.store.inbox import Arrival, Taken

FORGET_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """One verified request that is to be landed."""

    source_id: str
    claim: Claim
    window: timedelta
    media_type: str  # of the page
    body: bytes
    body_digest: str  # SM3, hex


class Lander:
    """The work of the landing thread."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._forgot = 0.0

    def land(self, requests: Sequence[Request]) -> list[Taken]:
        """Commit what is new, durably. Raises ``Transient``, ``Misconfigured`` from the store: then nothing is kept."""
        arrivals = [self._arrival(request) for request in requests]
        now = self._context.clock()
        with self._context.store.begin() as transaction:
            taken = inbox.take(transaction, arrivals, now)
            if time.monotonic() - self._forgot > FORGET_SECONDS:
                inbox.forget_nonces(transaction, now)
                self._forgot = time.monotonic()
        return taken

    def _arrival(self, request: Request) -> Arrival:
        claim, source_id = request.claim, request.source_id
        page = Page(request.body, request.media_type, f"sender={claim.sender};key={_key(request)[:32]}", "")
        return Arrival(
            source_id=source_id,
            sender=claim.sender,
            nonce_key=_digest(source_id, claim.sender, claim.nonce),
            nonce_until=claim.nonce_until(request.window),
            request_key=_key(request),
            content_digest=_digest(request.media_type, request.body_digest),
            land=partial(landing, self._context, source_id, page),
        )


def _key(request: Request) -> str:
    return _digest(request.source_id, request.claim.sender, request.claim.idempotency_key)


def _digest(*parts: str) -> str:
    return sm3_hex("\n".join(parts).encode())
