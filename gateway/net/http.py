"""The HTTP client of the house: allow-list, deadlines, size cap, and foreign failures translated once.

Nothing is redirected, no proxy or credential is taken from the environment, no cookie is kept, and nothing is repeated
here but what only reads.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import IncompleteRead
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import tenacity
import urllib3.exceptions as wire

from gateway.errors import GatewayError, Misconfigured, Transient
from gateway.net import tap
from gateway.net.allow import DEFAULT_PORTS, check_allowed
from gateway.net.answer import Answer
from gateway.net.turn import take_turn
from gateway.net.watchdog import Watch, WatchedAdapter
from gateway.settings import Connection

PIECE = 64 * 1024
AGENT = {"User-Agent": "haochaping-gateway", "Accept-Encoding": "gzip, deflate", "Accept": "*/*"}

Headers = Mapping[str, str] | Callable[[], Mapping[str, str]]


class NotSent(Transient):
    """The call failed before one byte of the request had left: repeating it is certainly harmless."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request below the base address: ``path`` starts with ``/``."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two reads, and for the whole call with its retries."""

    connect: float = 5.0
    read: float = 30.0
    total: float = 60.0


@dataclass(frozen=True, slots=True)
class Tls:
    """Files: the authority to trust instead of the system's, and our own certificate and key.

    Raises ``Misconfigured('net.tls_file')``: one is missing.
    """

    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        for file in (self.ca, self.cert, self.key):
            if file is not None and not Path(file).is_file():
                raise Misconfigured("net.tls_file", file=Path(file).name)

    @classmethod
    def of(cls, connection: Connection) -> Tls:
        """What a connection's ``extra`` names: ``ca``, ``cert``, ``key``."""
        return cls(*(connection.extra.get(name) for name in ("ca", "cert", "key")))


# What OpenSSL says of a certificate that it doesn't believe; anything else has no authority that we trust.
UNTRUSTED = {9: "net.tls_not_yet", 10: "net.tls_expired", 23: "net.tls_revoked", 62: "net.tls_name", 64: "net.tls_name"}


def untrusted(refused: ssl.SSLCertVerificationError) -> str:
    """The code that names why."""
    return UNTRUSTED.get(refused.verify_code, "net.tls_untrusted")


# The first row whose exception stands in the chain names the failure; who must act, and whether anything was sent,
# is known otherwise.
FAILURES: tuple[tuple[type[BaseException], str], ...] = (
    (wire.NameResolutionError, "net.dns"),
    (ConnectionRefusedError, "net.connect_refused"),
    (wire.ConnectTimeoutError, "net.connect_timeout"),
    (IncompleteRead, "net.cut"),
    (wire.DecodeError, "net.cut"),
    (wire.ReadTimeoutError, "net.timeout"),
    (ssl.SSLError, "net.tls"),
    (wire.SSLError, "net.tls"),
    (TimeoutError, "net.timeout"),
    (ConnectionError, "net.reset"),
    (wire.NewConnectionError, "net.unreachable"),
    (wire.ProtocolError, "net.reset"),
)


class HttpClient:
    """Calls to one base address over kept-alive connections.

    ``exchange`` gives every answer, whatever its status, and never repeats: for calls that act. ``get`` and ``ask``
    judge the status and repeat briefly. Raised by all: ``Misconfigured`` (allow-list, plain http, untrusted
    certificate) and ``NotSent`` when nothing has left; any other ``Transient`` means that the outcome is unknown.
    """

    def __init__(
        self,
        base_url: str,
        allowed_hosts: str,
        *,
        timeouts: Timeouts | None = None,
        max_bytes: int = 64 * 1024 * 1024,
        tls: Tls | None = None,
        attempts: int = 3,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._allowed_hosts = allowed_hosts
        self._timeouts = timeouts or Timeouts()
        self._max_bytes = max_bytes
        self._tls = tls or Tls()
        self._attempts = attempts
        self._pause = pause
        self._adapter = WatchedAdapter(max_retries=0)

    def close(self) -> None:
        self._adapter.close()

    def exchange(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Headers | None = None,
        body: bytes | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """One request, one answer of any status. ``path`` starts with ``/``; ``seconds`` shortens the deadline."""
        url = self._base + path
        check_allowed(url, self._allowed_hosts)
        given = headers() if callable(headers) else headers or {}
        request = requests.Request(method, url, params=dict(params or {}), headers={**AGENT, **given}, data=body)
        limit = self._timeouts.total if seconds is None else min(seconds, self._timeouts.total)
        if limit <= 0:
            raise NotSent("net.deadline", address=_address(url))
        take_turn()
        with Watch(limit) as watch:
            try:
                return self._receive(request.prepare(), limit, watch)
            except (requests.RequestException, wire.HTTPError, OSError) as failure:
                raise _translated(failure, watch, _address(url)) from failure

    def get(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Headers | None = None,
        json: bool = True,
    ) -> Answer:
        """A 2xx answer, JSON by its looks if ``json``; repeated as :meth:`ask` does.

        ``headers`` as a function is asked again for every attempt (signatures with a nonce).
        """
        return self.ask(
            lambda: Call("GET", path, params or {}, headers() if callable(headers) else headers or {}), json=json
        )

    def ask(self, make: Callable[[], Call], *, json: bool = True) -> Answer:
        """The 2xx answer to a call that only reads, JSON by its looks if ``json``; retried for seconds, within the
        deadline, while Transient. ``make`` is asked for the call before every attempt: signatures hold a nonce.
        """
        end = time.monotonic() + self._timeouts.total

        def attempt() -> Answer:
            call = make()
            answer = self.exchange(
                call.method,
                call.path,
                params=call.params,
                headers=call.headers,
                body=call.body,
                seconds=end - time.monotonic(),
            )
            return answer.expect_json() if json else answer.expect_ok()

        def worth_another(state: tenacity.RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            return isinstance(error, Transient) and time.monotonic() + _wait(state) < end

        return tenacity.Retrying(
            retry=worth_another,
            wait=_wait,
            stop=tenacity.stop_after_attempt(self._attempts),
            sleep=self._pause,
            reraise=True,
        )(attempt)

    def _receive(self, request: requests.PreparedRequest, limit: float, watch: Watch) -> Answer:
        times = (min(self._timeouts.connect, limit), min(self._timeouts.read, limit))
        cert = (self._tls.cert, self._tls.key or self._tls.cert) if self._tls.cert else None
        response = self._adapter.send(request, stream=True, timeout=times, verify=self._tls.ca or True, cert=cert)
        try:
            body = self._body(response, _address(str(request.url)))
            watch.check()
        except BaseException:
            response.raw.close()  # what is left on the connection belongs to nobody
            raise
        finally:
            response.close()
        names = {name.lower(): value for name, value in response.headers.items()}
        sent = request.body if isinstance(request.body, bytes | str) else None
        tap.tell(str(request.method), str(request.url), request.headers, sent, response.status_code, names, body)
        return Answer(response.status_code, names, body, _address(str(request.url)))

    def _body(self, response: requests.Response, address: str) -> bytes:
        pieces, size = [], 0
        for piece in response.raw.stream(PIECE, decode_content=True):
            size += len(piece)
            if size > self._max_bytes:
                raise Transient("net.too_large", address=address, limit=self._max_bytes)
            pieces.append(piece)
        return b"".join(pieces)


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Transient) and error.retry_after is not None:
        return error.retry_after
    return float(0.2 * 2 ** (state.attempt_number - 1))


def _translated(failure: BaseException, watch: Watch, address: str) -> GatewayError:
    chain = list(_chain(failure))
    refused = next((link for link in chain if isinstance(link, ssl.SSLCertVerificationError)), None)
    if refused is not None and not watch.sent:
        return Misconfigured(untrusted(refused), address=address)
    named = (code for kind, code in FAILURES if any(isinstance(link, kind) for link in chain))
    code = "net.deadline" if watch.expired else next(named, "net.reset" if watch.sent else "net.unreachable")
    return Transient(code, address=address) if watch.sent else NotSent(code, address=address)


def _chain(failure: BaseException) -> Iterator[BaseException]:
    """The failure and everything that it wraps: requests and urllib3 hide causes in ``args`` and ``reason``."""
    pending: list[Any] = [failure]
    seen: set[int] = set()
    while pending:
        link = pending.pop(0)
        if isinstance(link, BaseException) and id(link) not in seen:
            seen.add(id(link))
            yield link
            pending += [*link.args, getattr(link, "reason", None), link.__cause__]


def _address(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or DEFAULT_PORTS.get(parts.scheme)}{parts.path}"
