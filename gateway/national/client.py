"""The national platform's calls (platform interface, section 4), each signed afresh."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any

import msgspec

from gateway.errors import GatewayError, Transient
from gateway.national.reply import Reply, read_answer, read_error
from gateway.net.answer import Answer
from gateway.net.http import HttpClient, Timeouts, Tls
from gateway.settings import Connection

LARGEST_ANSWER = 16 * 1024 * 1024
PAGE = 10_000
JSON = "application/json"


class KindTotal(msgspec.Struct, frozen=True):
    """One kind of one day as the platform counts it."""

    count: int
    digest: str


class HeldRecord(msgspec.Struct, frozen=True):
    """One record that the platform holds."""

    key: str
    version: int
    digest: str


class StreamState(msgspec.Struct, frozen=True):
    """A sequence as the platform sees it: the lowest 1,000 missing numbers, ascending."""

    highest: int = msgspec.field(name="highestSeq")
    missing: list[int]


class PublishedKey(msgspec.Struct, frozen=True, rename="camel"):
    """A key of the platform; its bytes are only believed once a person pinned them."""

    key_id: str
    use: str
    alg: str
    spki: str
    not_before: str
    not_after: str


class Indicator(msgspec.Struct, frozen=True):
    code: str
    name: str
    level: int
    enabled: bool


class Indicators(msgspec.Struct, frozen=True):
    version: str
    items: list[Indicator]


class Keys(msgspec.Struct, frozen=True):
    keys: list[PublishedKey]


class _Day(msgspec.Struct):
    kinds: dict[str, KindTotal]


class _Items(msgspec.Struct):
    items: list[HeldRecord]
    next: str | None = None


class PlatformClient:
    """One kept-alive connection to the platform. ``seconds``: total deadline of a call; ``clock`` gives aware UTC."""

    def __init__(
        self, connection: Connection, allowed_hosts: str, sender: str, clock: Callable[[], datetime], seconds: float
    ) -> None:
        self._http = HttpClient(
            connection.url,
            allowed_hosts,
            timeouts=Timeouts(connect=min(5.0, seconds), read=seconds, total=seconds),
            max_bytes=LARGEST_ANSWER,
            tls=Tls.of(connection),
        )
        self._paasid = connection.login
        self._token = connection.password
        self._sender = sender
        self._clock = clock

    def __enter__(self) -> PlatformClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def send_batch(self, batch_id: str, body: bytes, body_digest: str, *, expires: datetime, token: int) -> Reply:
        """Send sealed bytes once. Every outcome is a reply; nothing but a bug is raised.

        The whole batch is one call, so the lease's ``token`` need not be shown between calls.
        """
        headers = {
            "Content-Type": "application/octet-stream",
            "X-Batch-Id": batch_id,
            "X-Batch-Digest": body_digest,
        }
        try:
            answer = self._exchange("POST", "/api/v1/batches", headers, body)
        except GatewayError as failed:
            return read_error(failed)
        return read_answer(answer, expires_ahead=self._clock() < expires)

    def batch_status(self, batch_id: str) -> Reply:
        """Ask what became of a batch; ``unknown`` when the platform never saw it, or refused it."""
        try:
            answer = self._exchange("GET", f"/api/v1/batches/{batch_id}", {})
        except GatewayError as failed:
            return read_error(failed)
        return read_answer(answer, expires_ahead=True, asked=True)

    def void(self, notice: bytes) -> Reply:
        """Declare that a sealed batch will never come. The body of a ``receipt`` reply is ``{"status":"void"}``."""
        try:
            answer = self._exchange("POST", "/api/v1/voids", {"Content-Type": JSON}, notice)
        except GatewayError as failed:
            return read_error(failed)
        return read_answer(answer, expires_ahead=True)

    def stream_state(self, stream: str) -> StreamState:
        """Raises ``Transient`` or ``Misconfigured``, as the calls below do."""
        state: StreamState = self._get(f"/api/v1/streams/{stream}", {"sender": self._sender}).json(StreamState)
        return state

    def reconciliation(self, business_date: str) -> Mapping[str, KindTotal]:
        """Count and digest of every kind accepted under ``business_date`` (``YYYY-MM-DD``)."""
        parameters = {"date": business_date, "sender": self._sender}
        day: _Day = self._get("/api/v1/reconciliation", parameters).json(_Day)
        return day.kinds

    def reconciliation_items(self, business_date: str, kind: str) -> Iterator[HeldRecord]:
        """Every record held of one kind and day, by key ascending, page by page.

        Raises ``Transient('national.listing_stuck')`` when a page doesn't lead on, besides what the calls below raise.
        """
        parameters = {"date": business_date, "sender": self._sender, "kind": kind, "limit": str(PAGE)}
        while True:
            page: _Items = self._get("/api/v1/reconciliation/items", parameters).json(_Items)
            yield from page.items
            if page.next is None:
                return
            if not page.items or page.next == parameters.get("after"):
                raise Transient("national.listing_stuck", date=business_date, kind=kind)
            parameters["after"] = page.next

    def keys(self) -> list[PublishedKey]:
        found: Keys = self._get("/api/v1/keys", {}).json(Keys)
        return found.keys

    def indicators(self) -> Indicators:
        found: Indicators = self._get("/api/v1/indicators", {}).json(Indicators)
        return found

    def ping(self) -> None:
        """Address, credentials and clock are right, or an error says what is not."""
        self._get("/api/v1/ping", {})

    def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        return self._http.exchange(method, path, headers={**self._signature(), **headers}, body=body)

    def _get(self, path: str, parameters: Mapping[str, Any]) -> Answer:
        return self._http.get(path, params=parameters, headers=self._signature)

    def _signature(self) -> dict[str, str]:
        timestamp, nonce = str(int(self._clock().timestamp())), uuid.uuid4().hex
        text = timestamp + self._token.get_secret_value() + nonce + timestamp
        return {
            "x-tif-paasid": self._paasid,
            "x-tif-timestamp": timestamp,
            "x-tif-nonce": nonce,
            "x-tif-signature": hashlib.sha256(text.encode()).hexdigest(),
        }
