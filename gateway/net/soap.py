"""SOAP calls (12345 interfaces) that can be believed: one POST a call, and what came back, untouched.

zeep builds the request from a pinned WSDL and does nothing else: it neither downloads, nor follows a redirect, nor
reads an answer. A call opens its own connection, so that "never sent" is a fact and not a guess, and a wall clock cuts
it, since a socket's timeout counts per read. What an answer means is decided in :mod:`gateway.net.soap_answer`.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import zeep
from lxml import etree
from zeep.exceptions import Error as ZeepError
from zeep.wsse.username import UsernameToken

from gateway.errors import Misconfigured, Transient
from gateway.net import tap
from gateway.net.allow import check_allowed
from gateway.net.http import Tls, untrusted
from gateway.net.soap_answer import Conclusion, Outcome, OutcomeProfile, SoapAnswer, outcome, read_answer
from gateway.net.turn import take_turn
from gateway.net.wsdl import Origin, Pinned, VendoredWsdl

__all__ = ["Caller", "Conclusion", "Outcome", "OutcomeProfile", "SoapAnswer", "SoapService", "SoapTimeouts", "outcome"]

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
    """One binding of one WSDL at one address. Make it once per process; calls may run in threads.

    ``wsdl`` is a vendored file, or any other origin. ``binding`` is its qualified name, ``{namespace}name``; the
    address in the WSDL is not used. ``imports`` names what the WSDL may import, each with its SHA-256. ``caller``
    goes into each call's header and may be exchanged between calls. Raises ``Misconfigured``: ``soap.wsdl_missing``,
    ``soap.wsdl_changed``, ``soap.wsdl_invalid``, ``net.not_allowed``, ``net.plain_http``.
    """

    def __init__(
        self,
        wsdl: Path | Origin,
        wsdl_sha256: str,
        endpoint: str,
        binding: str,
        allowed_hosts: str,
        timeouts: SoapTimeouts | None = None,
        *,
        imports: Mapping[str, str] | None = None,
        answer_limit: int = ANSWER_LIMIT,
        caller: Caller | None = None,
        tls: Tls | None = None,
    ) -> None:
        check_allowed(endpoint, allowed_hosts)
        documents = Pinned(VendoredWsdl(wsdl) if isinstance(wsdl, Path) else wsdl, wsdl_sha256, imports or {})
        transport = _Transport(documents, endpoint, allowed_hosts, timeouts or SoapTimeouts(), answer_limit, tls)
        self.caller = caller or Caller()
        settings = zeep.Settings(
            strict=True,
            forbid_dtd=True,
            forbid_entities=True,
            forbid_external=True,
            force_https=True,
            raw_response=True,
        )
        try:
            self._client = zeep.Client(
                documents.start, transport=transport, settings=settings, wsse=self.caller.token()
            )
            self._proxy = self._client.create_service(binding, endpoint)
        except (ZeepError, ValueError, etree.Error) as broken:
            raise Misconfigured("soap.wsdl_invalid", file=documents.name, reason=type(broken).__name__) from broken

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
            headers = self.caller.elements()
            raw: _RawAnswer = method(**clean, **({"_soapheaders": headers} if headers else {}))
        except (TypeError, ZeepError, ValueError) as unfit:
            raise Misconfigured("soap.params_unfit", operation=operation, reason=type(unfit).__name__) from None
        wrappers, names = self._expected(operation)
        return read_answer(raw.status, raw.headers, raw.body, wrappers, names)

    def _expected(self, operation: str) -> tuple[frozenset[str], frozenset[str]]:
        """Names that the answer's element may have, and names of what may hold its one string."""
        body = self._proxy._binding.get(operation).output.body
        named = body.qname.localname if body.qname is not None else f"{operation}Response"
        inside = frozenset(name for name, _ in getattr(body.type, "elements", ()) if name)
        # rpc: WS-I says operation name and "Response", the WSDL's message may be called anything
        return frozenset({named, f"{operation}Response"} if self._rpc(operation) else {named}), inside

    def _rpc(self, operation: str) -> bool:
        return bool(self._proxy._binding.get(operation).style == "rpc")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as each call's header says it: elements by qualified name, and a WS-Security username."""

    headers: Mapping[str, str] = field(default_factory=dict)
    username: str | None = None
    password: str = field(default="", repr=False)
    digest: bool = False  # PasswordDigest with nonce and time instead of PasswordText

    def token(self) -> UsernameToken | None:
        return UsernameToken(self.username, self.password, use_digest=self.digest) if self.username else None

    def elements(self) -> list[etree._Element]:
        made = []
        for name, text in self.headers.items():
            element = etree.Element(name)
            element.text = text
            made.append(element)
        return made


@dataclass(frozen=True, slots=True)
class _RawAnswer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class _Transport(zeep.Transport):
    """Serves pinned documents; posts to one allowed address over a connection of its own."""

    def __init__(
        self,
        documents: Pinned,
        endpoint: str,
        allowed_hosts: str,
        timeouts: SoapTimeouts,
        limit: int,
        tls: Tls | None,
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
        self._tls = ssl.create_default_context(cafile=tls.ca if tls else None)
        if tls is not None and tls.cert:
            self._tls.load_cert_chain(tls.cert, tls.key)

    def load(self, url: str) -> bytes:
        return self._documents.load(str(url))

    def get(self, address: str, params: Any, headers: Any) -> Any:
        raise Misconfigured("soap.get_refused")

    def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> _RawAnswer:
        check_allowed(address, self._allowed_hosts)
        if address != self._endpoint:
            raise Misconfigured("net.not_allowed", host=urlsplit(address).netloc, setting="GW_ALLOWED_HOSTS")
        take_turn()
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
            names = {name.lower(): value for name, value in answer.getheaders()}
            tap.tell("POST", address, headers, message, answer.status, names, body)
            return _RawAnswer(answer.status, names, body)
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
        except ssl.SSLCertVerificationError as refused:
            raise Misconfigured(untrusted(refused), address=parts.netloc) from refused
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
