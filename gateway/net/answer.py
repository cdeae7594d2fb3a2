"""An HTTP answer and what it means: the one table from status to who must act."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from gateway.errors import GatewayError, Misconfigured, Transient

LONGEST_WAIT = 86_400.0  # seconds; a Retry-After beyond a day is taken as a day
THROTTLED = (429, 503)
UNAUTHORISED = (401, 403)


CODE = re.compile(r"[A-Za-z0-9_.-]{1,10}")  # too short for a phone number, and no name


def shown_code(found: Any) -> str:
    """What an answer says where a code belongs, if it can be one: what it is instead may tell of a person."""
    text = str(found).strip()
    return text if CODE.fullmatch(text) else "…"


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete answer, of any status. ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    address: str  # host:port/path of the request, without query: safe to show

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """The bare type, lower case: ``application/json``; empty when the header is missing."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self, shape: Any = Any) -> Any:
        """The body decoded as ``shape`` (any type that msgspec takes), or ``Transient('net.not_json')``."""
        try:
            return msgspec.json.decode(self.body, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as garbage:
            raise Transient("net.not_json", address=self.address, status=self.status) from garbage

    @property
    def failure(self) -> GatewayError | None:
        """What a status other than 2xx means; ``None`` for 2xx.

        401, 403 → Misconfigured; 429, 503, 5xx, 408, 425 → Transient (with the other side's Retry-After);
        3xx → Misconfigured, since nothing is followed; other 4xx → Misconfigured.
        """
        facts = {"address": self.address, "status": self.status}
        wait = retry_after(self.headers.get("retry-after"))
        if self.ok:
            return None
        if self.status in UNAUTHORISED:
            return Misconfigured("net.unauthorised", **facts)
        if self.status in THROTTLED:
            return Transient("net.throttled", retry_after=wait, **facts)
        if self.status >= 500 or self.status in (408, 425):
            return Transient("net.server_error", retry_after=wait, **facts)
        if 300 <= self.status < 400:
            return Misconfigured("net.redirected", **facts)
        return Misconfigured("net.refused", **facts)

    def expect_ok(self) -> Answer:
        """This answer if its status is 2xx; raises :attr:`failure` otherwise."""
        if (failure := self.failure) is not None:
            raise failure
        return self

    def expect_json(self) -> Answer:
        """This answer if it is 2xx and not a web page in JSON's place (a proxy's or portal's error page)."""
        self.expect_ok()
        if "html" in self.media_type or self.body.lstrip()[:1] == b"<":
            raise Transient("net.not_json", address=self.address, status=self.status)
        return self


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110 §10.2.3): delta-seconds or HTTP-date; unreadable: ``None``."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - (now or datetime.now(UTC))).total_seconds(), 0.0), LONGEST_WAIT)
