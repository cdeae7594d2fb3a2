"""SOAP calls (12345 interfaces) that can be believed: one POST a call, and what came back, untouched.

zeep builds the request from a vendored WSDL and does nothing else: it neither downloads, nor follows a redirect, nor
reads an answer. A call opens its own connection, so that "never sent" is a fact and not a guess, and a wall clock cuts
it, since a socket's timeout counts per read. What an answer means is decided in :mod:`gateway.net.soap_answer`.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import zeep
from lxml import etree
from zeep.exceptions import Error as ZeepError

from gateway.errors import Misconfigured, Transient
from gateway.net.allow import check_allowed
from gateway.net.soap_answer import Conclusion, Outcome, OutcomeProfile, SoapAnswer, outcome, read_answer

__all__ = ["Conclusion", "Outcome", "OutcomeProfile", "SoapAnswer", "SoapService", "SoapTimeouts", "outcome"]

ILLEGAL_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ANSWER_LIMIT = 32 * 1024 * 1024
CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class SoapTimeouts:
    """Seconds: to connect, per read, and for the whole call."""

    connect: float = 5.0
    read: float = 30.0
    wall: float = 60.0


class SoapService:
    """One binding of one vendored WSDL at one address. Make it once per process; calls may run in threads.

    ``binding`` is its qualified name, ``{namespace}name``; the address in the WSDL is not used. ``imports`` names the
    files beside the WSDL that it may import, each with its SHA-256. Raises ``Misconfigured``: ``soap.wsdl_missing``,
    ``soap.wsdl_changed``, ``soap.wsdl_invalid``, ``net.not_allowed``, ``net.plain_http``.
    """

    def __init__(
        self,
        wsdl: Path,
        wsdl_sha256: str,
        endpoint: str,
        binding: str,
        allowed_hosts: str,
        timeouts: SoapTimeouts | None = None,
        *,
        imports: Mapping[str, str] | None = None,
        answer_limit: int = ANSWER_LIMIT,
    ) -> None:
        check_allowed(endpoint, allowed_hosts)
        wsdl = wsdl.resolve()
        documents = {
            str(wsdl): wsdl_sha256,
            **{str(wsdl.parent / name): sum_ for name, sum_ in (imports or {}).items()},
        }
        transport = _Transport(documents, endpoint, allowed_hosts, timeouts or SoapTimeouts(), answer_limit)
        settings = zeep.Settings(
            strict=True,
            forbid_dtd=True,
            forbid_entities=True,
            forbid_external=True,
            force_https=True,
            raw_response=True,
        )
        try:
            self._client = zeep.Client(str(wsdl), transport=transport, settings=settings)
            self._proxy = self._client.create_service(binding, endpoint)
        except (ZeepError, ValueError, etree.Error) as broken:
            raise Misconfigured("soap.wsdl_invalid", file=wsdl.name, reason=type(broken).__name__) from broken

    def call(self, operation: str, **params: str) -> SoapAnswer:
        """One POST, never repeated here. Characters that XML can't carry are taken out of ``params`` first.

        Raises ``Transient('soap.not_sent')`` if no connection was opened, ``Transient('soap.no_answer')`` and
        ``Transient('soap.too_large')`` if the server may have acted, ``Misconfigured`` if nothing was sent and a person
        must act.
        """
        clean = {name: ILLEGAL_IN_XML.sub("", value) for name, value in params.items()}
        try:
            method = self._proxy[operation]
        except (AttributeError, KeyError) as unknown:
            raise Misconfigured("soap.operation_unknown", operation=operation) from unknown
        try:
            raw: _RawAnswer = method(**clean)
        except (TypeError, ZeepError, ValueError) as unfit:
            raise Misconfigured("soap.params_unfit", operation=operation, reason=type(unfit).__name__) from None
        wrapper, names = self._expected(operation)
        return read_answer(raw.status, raw.headers, raw.body, wrapper, names)

    def _expected(self, operation: str) -> tuple[str, frozenset[str]]:
        """The answer's element, and the names that may hold its one string."""
        body = self._proxy._binding.get(operation).output.body
        names = frozenset(name for name, _ in body.type.elements if name)
        return body.qname.localname if body.qname is not None else f"{operation}Response", names


@dataclass(frozen=True, slots=True)
class _RawAnswer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class _Transport(zeep.Transport):
    """Serves vendored files by hash; posts to one allowed address over a connection of its own."""

    def __init__(
        self, documents: Mapping[str, str], endpoint: str, allowed_hosts: str, timeouts: SoapTimeouts, limit: int
    ) -> None:
        session = requests.Session()
        session.trust_env = False
        reading = (timeouts.connect, timeouts.read)
        super().__init__(session=session, timeout=timeouts.wall, operation_timeout=reading)  # type: ignore[no-untyped-call]
        self._documents = documents
        self._endpoint = endpoint
        self._allowed_hosts = allowed_hosts
        self._timeouts = timeouts
        self._limit = limit
        self._tls = ssl.create_default_context()

    def load(self, url: str) -> bytes:
        expected = self._documents.get(str(url))
        if expected is None:
            raise Misconfigured("soap.wsdl_external", file=Path(str(url)).name)
        try:
            content = Path(url).read_bytes()
        except OSError as missing:
            raise Misconfigured("soap.wsdl_missing", file=Path(url).name) from missing
        if hashlib.sha256(content).hexdigest() != expected:
            raise Misconfigured("soap.wsdl_changed", file=Path(url).name)
        return content

    def get(self, address: str, params: Any, headers: Any) -> Any:
        raise Misconfigured("soap.get_refused")

    def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> _RawAnswer:
        check_allowed(address, self._allowed_hosts)
        if address != self._endpoint:
            raise Misconfigured("net.not_allowed", host=urlsplit(address).netloc, setting="GW_ALLOWED_HOSTS")
        connection = self._connect()
        watch = _Watch(connection, self._timeouts.wall)
        try:
            parts = urlsplit(address)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body=message, headers={**headers, "Connection": "close"})
            answer = connection.getresponse()
            body = _read(answer, self._limit)
            if watch.expired:
                raise Transient("soap.no_answer", host=parts.netloc, reason="wall_clock")
            return _RawAnswer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
        except (OSError, http.client.HTTPException, ValueError) as cut:
            reason = "wall_clock" if watch.expired else type(cut).__name__
            raise Transient("soap.no_answer", host=parts.netloc, reason=reason) from None
        finally:
            watch.stop()
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        """An open connection, or the certain knowledge that nothing was sent."""
        parts = urlsplit(self._endpoint)
        host = parts.hostname or ""
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                host, parts.port, timeout=self._timeouts.connect, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=self._timeouts.connect)
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as untrusted:
            raise Misconfigured("soap.tls_untrusted", host=parts.netloc) from untrusted
        except OSError as closed:
            raise Transient("soap.not_sent", host=parts.netloc, reason=type(closed).__name__) from closed
        connection.sock.settimeout(self._timeouts.read)
        return connection


class _Watch:
    """Cuts ``connection`` after ``seconds``, however slowly bytes keep dripping."""

    def __init__(self, connection: http.client.HTTPConnection, seconds: float) -> None:
        self.expired = False
        self._socket = connection.sock
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def _cut(self) -> None:
        self.expired = True
        with contextlib.suppress(OSError):  # it ended in the same moment
            # past SSLSocket.shutdown, which would drop the TLS state under the reading thread
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def stop(self) -> None:
        self._timer.cancel()


def _read(answer: http.client.HTTPResponse, limit: int) -> bytes:
    held = bytearray()
    while chunk := answer.read(CHUNK):
        held += chunk
        if len(held) > limit:
            raise Transient("soap.too_large", limit=limit)
    if answer.length:  # read(n) says nothing when the connection ends before the declared length
        raise http.client.IncompleteRead(b"", answer.length)
    return bytes(held)
