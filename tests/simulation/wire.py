"""The way between gateway and platform: what the house's HTTP client does, but for the bytes, which never leave here.

A trouble (路上的故障) strikes the next calls of one kind. What the client then hears is what the real one would say:
whether a byte had left decides between "not sent" and "unknown".
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from gateway.errors import Misconfigured, Transient
from gateway.net.answer import Answer
from gateway.net.http import HttpClient, NotSent
from tests.simulation.receiver import Heard, PlatformDied, Receiver

DEADLINE = timedelta(seconds=45)  # settings.send_seconds
SLOW = timedelta(seconds=30)
TRAVEL = timedelta(milliseconds=50)
DELAY = timedelta(minutes=2)  # of a request that arrives after its sender has given it up


class Trouble(StrEnum):
    """What can happen to one call on its way."""

    REFUSED = "connection refused"
    SWALLOWED = "request lost, no answer until the deadline"
    CUT = "request cut in its body"
    DAMAGED = "a byte of the request changed"
    DELAYED = "request arrives after its sender gave up"
    REPLY_LOST = "applied, reply lost"
    REPLY_LATE = "applied, reply after the deadline"
    REPLY_CUT = "applied, reply cut"
    SLOW = "applied, reply slow but in time"
    DOUBLED = "request doubled, first reply heard"
    REPEATED = "request repeated by a proxy, second reply heard"
    REPLAYED = "request captured and replayed"
    BAD_GATEWAY = "502 by a proxy, not passed on"
    GATEWAY_TIMEOUT = "504 by a proxy, applied"
    SERVER_ERROR = "applied, answered 500"
    UNTRUSTED = "certificate expired"


class _Request(NamedTuple):
    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Wire:
    """Troubles that wait to strike, and requests that are still on their way."""

    receiver: Receiver
    now: Callable[[], datetime]
    pass_time: Callable[[timedelta], None]
    down: bool = False
    admitted_replays: list[str] = field(default_factory=list)
    copies: Counter[str] = field(default_factory=Counter)  # of batches that the gateway did not send
    _troubles: list[tuple[str, Trouble]] = field(default_factory=list)
    _late: deque[tuple[datetime, _Request]] = field(default_factory=deque)

    def order(self, trouble: Trouble, call: str = "batches", times: int = 1) -> None:
        """It strikes the next ``times`` calls of that kind."""
        self._troubles += [(call, trouble)] * times

    def clear(self) -> None:
        """No troubles any more; what is on its way arrives."""
        self.down = False
        self._troubles.clear()
        self.deliver_late(all_of_it=True)

    def deliver_late(self, all_of_it: bool = False) -> None:
        """What has been on its way for long enough arrives now; nobody waits for the answer."""
        while self._late and (all_of_it or self._late[0][0] <= self.now()):
            self._reach(self._late.popleft()[1])

    def pass_on(self, request: _Request) -> Heard:
        """One call as its sender lives it; raises what the HTTP client raises."""
        self.pass_time(TRAVEL)
        self.deliver_late()
        trouble = Trouble.REFUSED if self.down else self._draw(_kind(request))
        heard = self._before(trouble, request)
        if heard is not None:
            return heard
        return self._after(trouble, request, self._arrive(request))

    def _before(self, trouble: Trouble | None, request: _Request) -> Heard | None:
        """What keeps the request from the platform, or changes how it gets there."""
        match trouble:
            case Trouble.REFUSED:
                raise NotSent("net.connect_refused", address=request.path)
            case Trouble.UNTRUSTED:
                raise Misconfigured("net.tls_untrusted", address=request.path)
            case Trouble.CUT:
                raise Transient("net.reset", address=request.path)
            case Trouble.SWALLOWED | Trouble.DELAYED:
                if trouble is Trouble.DELAYED:
                    self._late.append((self.now() + DELAY, request))
                self.pass_time(DEADLINE)
                raise Transient("net.deadline", address=request.path)
            case Trouble.BAD_GATEWAY:
                return Heard(502, {"content-type": "text/html"}, b"<html>Bad Gateway</html>")
            case Trouble.DAMAGED:
                return self._arrive(request._replace(body=_flipped(request.body)))
            case Trouble.SLOW:
                self.pass_time(SLOW)
        return None

    def _after(self, trouble: Trouble | None, request: _Request, heard: Heard) -> Heard:
        """What becomes of the platform's answer."""
        match trouble:
            case Trouble.REPLY_LOST:
                raise Transient("net.reset", address=request.path)
            case Trouble.REPLY_CUT:
                raise Transient("net.cut", address=request.path)
            case Trouble.REPLY_LATE:
                self.pass_time(DEADLINE)
                raise Transient("net.deadline", address=request.path)
            case Trouble.DOUBLED:
                self._replay(request, heard)
            case Trouble.REPEATED:
                return self._replay(request, heard)
            case Trouble.REPLAYED:
                self._replay(request, heard)
                self.receiver.restart()
                self._replay(request, heard)
            case Trouble.GATEWAY_TIMEOUT:
                return Heard(504, {"content-type": "text/html"}, b"<html>Gateway Timeout</html>")
            case Trouble.SERVER_ERROR:
                return Heard(500, {}, b"")
        return heard

    def _arrive(self, request: _Request) -> Heard:
        try:
            return self.receiver.call(*request)
        except PlatformDied:
            raise Transient("net.reset", address=request.path) from None

    def _reach(self, request: _Request) -> Heard | None:
        try:
            return self.receiver.call(*request)
        except PlatformDied:
            return None

    def _replay(self, request: _Request, first: Heard) -> Heard:
        """The same signed request again: it must be refused, since its nonce was used with the first one.

        The double refuses on demand without looking at a request; a copy of such a one stays away.
        """
        if first.status not in (200, 202):
            return first
        self.copies[request.headers.get("X-Batch-Id", "")] += 1
        heard = self._arrive(request)
        if heard.status < 500 and heard.status not in (401, 403):
            self.admitted_replays.append(f"{request.path}: {heard.status}")
        return heard

    def _draw(self, call: str) -> Trouble | None:
        for place, (of_call, trouble) in enumerate(self._troubles):
            if of_call == call:
                del self._troubles[place]
                return trouble
        return None


def client_over(wire: Callable[[], Wire]) -> type[HttpClient]:
    """The house's HTTP client, its bytes carried by the wire of the world that is being played."""

    class Carried(HttpClient):
        def __init__(self, base_url: str, allowed_hosts: str, **named: Any) -> None:
            super().__init__(base_url, allowed_hosts, pause=_waited(wire), **named)

        def exchange(self, method: str, path: str, **named: Any) -> Answer:
            given = named.get("headers") or {}
            headers = dict(given() if callable(given) else given)
            heard = wire().pass_on(
                _Request(method, path, dict(named.get("params") or {}), headers, named.get("body") or b"")
            )
            return Answer(heard.status, heard.headers, heard.body, path)

    return Carried


def _waited(wire: Callable[[], Wire]) -> Callable[[float], None]:
    return lambda seconds: wire().pass_time(timedelta(seconds=seconds))


def _kind(request: _Request) -> str:
    parts = request.path.removeprefix("/api/v1/").split("/")
    if parts[0] == "batches" and request.method == "GET":
        return "status"
    return "items" if parts[-1] == "items" else parts[0]


def _flipped(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :] if body else b"!"
