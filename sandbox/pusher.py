"""A sender (发送方) as a county would write it: signs, sends, and sends again until it has a 2xx.

    HALL_KEY=<64 hex digits> python -m sandbox.pusher http://127.0.0.1:8088 counter_push hall-01 2026a --secret HALL_KEY

It pushes records of the generator, in national field names, and prints each answer. It shares nothing with the gateway:
the signature is made from the public description alone.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from sandbox.generator.model import SHANGHAI, Json
from sandbox.generator.stream import stream
from sandbox.items import read_items

Sign = Callable[[bytes], bytes]
WAIT_SECONDS = 30
LAST_TRY = 6
RETRIED = {408, 429, 500, 503, 507}


def hmac_sm3(secret: str) -> Sign:
    """Signs with a shared key, given in hex."""
    key = bytes.fromhex(secret)
    return lambda text: hmac.new(key, text, "sm3").digest()


@dataclass
class Pusher:
    """One sender's client."""

    url: str
    source: str
    sender: str
    key: str
    sign: Sign
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False

    def headers(self, method: str, path: str, body: bytes, idempotency_key: str = "") -> dict[str, str]:
        """The signed headers of one attempt: time and nonce are new each time."""
        moment, nonce = str(int(time.time())), secrets.token_hex(16)
        who = (self.sender, self.key, moment, nonce, idempotency_key)
        text = "\n".join(("HCP-INBOX-1", method, path, *who, hashlib.new("sm3", body).hexdigest()))
        headers = {
            "X-Inbox-Sender": self.sender,
            "X-Inbox-Key": self.key,
            "X-Inbox-Timestamp": moment,
            "X-Inbox-Nonce": nonce,
            "X-Inbox-Signature": self.sign(text.encode()).hex(),
        }
        if idempotency_key:
            headers |= {"Idempotency-Key": idempotency_key, "Content-Type": "application/json"}
        return headers

    def post(self, body: bytes, idempotency_key: str, what: str = "records") -> requests.Response:
        """One attempt."""
        path = f"/inbox/v1/{self.source}/{what}"
        headers = self.headers("POST", path, body, idempotency_key)
        return self.session.post(self.url + path, data=body, headers=headers, timeout=WAIT_SECONDS)

    def push(self, body: bytes, idempotency_key: str, what: str = "records") -> requests.Response:
        """Attempts with the same key and body until the gateway has spoken; the last answer."""
        for attempt in range(LAST_TRY):
            try:
                answer = self.post(body, idempotency_key, what)
            except requests.ConnectionError:
                if attempt == LAST_TRY - 1:
                    raise
                time.sleep(2**attempt / 4)
                continue
            if answer.status_code not in RETRIED:
                break
            time.sleep(float(answer.headers.get("Retry-After", 1)))
        return answer

    def ask(self, receipt: str) -> requests.Response:
        """What became of an earlier push."""
        path = f"/inbox/v1/{self.source}/receipts/{receipt}"
        return self.session.get(self.url + path, headers=self.headers("GET", path, b""), timeout=WAIT_SECONDS)


def records(count: int, seed: int) -> Iterator[Json]:
    """Good records in national field names, synthetic; their cases are none of the sandbox's other systems."""
    base = datetime.now(SHANGHAI).replace(microsecond=0)
    for piece in stream("kiosk", count, seed, base, read_items()):
        if piece.truth["service"]:
            whole = {**piece.truth["service"], **(piece.truth["evaluation"] or {})}
            yield whole | {"projectNo": f"TS{seed}{whole['projectNo']}"}


def batch(pushed: list[Json]) -> bytes:
    """A body of several records."""
    return json.dumps({"records": pushed}, ensure_ascii=False, separators=(",", ":")).encode()


def main() -> int:
    options = _options()
    pusher = Pusher(options.url, options.source, options.sender, options.key, hmac_sm3(os.environ[options.secret]))
    waiting = list(records(options.records, options.seed))
    failed = 0
    for start in range(0, len(waiting), options.batch):
        answer = pusher.push(batch(waiting[start : start + options.batch]), f"{options.seed}-{start:08}")
        said: dict[str, Any] = answer.json()
        failed += not answer.ok
        print(answer.status_code, json.dumps(said, ensure_ascii=False))
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.pusher", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("source")
    parser.add_argument("sender")
    parser.add_argument("key")
    parser.add_argument("--secret", required=True, help="name of the environment variable that holds the key in hex")
    parser.add_argument("--records", type=int, default=100)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
