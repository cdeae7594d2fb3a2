"""The face of a receiving platform (上报目的地), whatever its transport: what the push and reconcile stages call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

from gateway.errors import Misconfigured
from gateway.national.client import HeldRecord, Indicators, KindTotal, PublishedKey, StreamState
from gateway.national.reply import Reply


class Platform(Protocol):
    """:class:`gateway.national.client.PlatformClient` says what each call promises."""

    def send_batch(self, batch_id: str, body: bytes, body_digest: str, *, expires: datetime, token: int) -> Reply:
        """``token``: of the lease, for receivers that take a batch in several calls and are fenced between them."""
        ...

    def batch_status(self, batch_id: str) -> Reply: ...

    def void(self, notice: bytes) -> Reply: ...

    def stream_state(self, stream: str) -> StreamState: ...

    def reconciliation(self, business_date: str) -> Mapping[str, KindTotal]: ...

    def reconciliation_items(self, business_date: str, kind: str) -> Iterator[HeldRecord]: ...

    def keys(self) -> list[PublishedKey]: ...

    def indicators(self) -> Indicators: ...

    def ping(self) -> None: ...


class NoSuchCalls:
    """What a receiver's interface does not offer says so: ``Misconfigured('profile.no_call', profile, call)``."""

    def __init__(self, profile: str) -> None:
        self._name = profile

    def void(self, notice: bytes) -> Reply:
        raise self._missing("void")

    def stream_state(self, stream: str) -> StreamState:
        raise self._missing("stream")

    def reconciliation(self, business_date: str) -> Mapping[str, KindTotal]:
        raise self._missing("reconciliation")

    def reconciliation_items(self, business_date: str, kind: str) -> Iterator[HeldRecord]:
        raise self._missing("reconciliation")

    def keys(self) -> list[PublishedKey]:
        raise self._missing("keys")

    def indicators(self) -> Indicators:
        raise self._missing("indicators")

    def ping(self) -> None:
        raise self._missing("ping")

    def _missing(self, call: str) -> Misconfigured:
        return Misconfigured("profile.no_call", profile=self._name, call=call)
