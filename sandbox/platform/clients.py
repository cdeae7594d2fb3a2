"""Who may call (接入方), and the ``x-tif-*`` credentials of every request (interface section 4)."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.platform.envelope import SUITES
from sandbox.platform.ledger import Ledger
from sandbox.platform.refusals import Refusal
from sandbox.platform.times import Clock, write_time

FARTHEST_SECONDS = 300
LONGEST_NONCE = 64
_SECONDS = re.compile(r"\d{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Client:
    """A paasid, its token, and for each sender that it may send for the suites taken from it."""

    paasid: str
    token: str
    senders: Mapping[str, frozenset[str]]

    def must_send_for(self, sender: str) -> None:
        if sender not in self.senders:
            raise Refusal("auth.sender", "this paasid is not registered for that sender")


def load_clients(path: Path, paasid: str, token: str | None, senders: list[str]) -> dict[str, Client]:
    """The clients of ``path``; the file is written at the first start with one client and a token of its own."""
    if not path.exists():
        first = {
            "paasid": paasid,
            "token": token or secrets.token_urlsafe(24),
            "senders": {sender: sorted(SUITES) for sender in senders},
        }
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            json.dump([first], file, indent=1)
    listed: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return {
        one["paasid"]: Client(
            one["paasid"], one["token"], {code: frozenset(suites) for code, suites in one["senders"].items()}
        )
        for one in listed
    }


class Gatekeeper:
    """Checks paasid, time, signature and nonce, in this order."""

    def __init__(self, clients: Mapping[str, Client], ledger: Ledger, clock: Clock) -> None:
        self._clients = clients
        self._ledger = ledger
        self._clock = clock

    def admit(self, headers: Mapping[str, str]) -> Client:
        """The caller; Refusal ``auth.*`` otherwise. The nonce is remembered once the signature is right."""
        client = self._clients.get(headers.get("x-tif-paasid", ""))
        if client is None:
            raise Refusal("auth.signature", "unknown paasid")
        now = self._clock.now()
        timestamp = headers.get("x-tif-timestamp", "")
        if not _SECONDS.fullmatch(timestamp) or abs(now.timestamp() - int(timestamp)) > FARTHEST_SECONDS:
            raise Refusal("auth.time", f"the timestamp is over {FARTHEST_SECONDS} s away")
        nonce = headers.get("x-tif-nonce", "")
        expected = hashlib.sha256(f"{timestamp}{client.token}{nonce}{timestamp}".encode()).hexdigest()
        if not hmac.compare_digest(expected.encode(), headers.get("x-tif-signature", "").encode()):
            raise Refusal("auth.signature", "the signature does not fit")
        if not 0 < len(nonce) <= LONGEST_NONCE:
            raise Refusal("auth.nonce", f"a nonce has 1 to {LONGEST_NONCE} characters")
        if not self._ledger.use_nonce(client.paasid, nonce, write_time(now)):
            raise Refusal("auth.nonce", "this nonce was used before")
        return client
