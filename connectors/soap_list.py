"""A list operation of SOAP asked by time of change, with strings or elements in and out: what kinds over SOAP share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import tenacity

from connectors.bodies import Body, JsonBody, XmlBody
from connectors.polled import Polled
from connectors.recent import Lookback
from connectors.signing import Signer
from connectors.since import Fetched, SinceWalk
from connectors.soap_options import SoapOptions
from connectors.soap_writing import Writing
from gateway.connector import Page
from gateway.errors import Misconfigured, Transient
from gateway.net import xml
from gateway.net.answer import Answer, shown_code
from gateway.net.http import HttpClient, Timeouts, Tls
from gateway.settings import Connection, load

if TYPE_CHECKING:
    from gateway.net.soap import SoapAnswer, SoapService
    from gateway.net.wsdl import FetchedWsdl

ATTEMPTS = 3


class SoapList(Polled):
    """See :class:`gateway.connector.Connector`. A page is the envelope as received, or the JSON inside it."""

    def __init__(self, options: SoapOptions, connection: Connection, allowed_hosts: str) -> None:
        signer = Signer(options.signing, connection) if options.signing else None
        self._options, self._connection = options, connection
        self._allowed_hosts = allowed_hosts
        self._writing = Writing(options, connection, signer)
        self._address = connection.url + str(connection.extra.get("path") or options.path)
        self._service: SoapService | None = None
        self.ahead = options.ahead

    def walk(self, cursor: str | None) -> Iterator[Page]:
        return self._since_walk().pages(cursor)

    def walk_within(self, since: datetime, until: datetime, cursor: str | None, running: str | None) -> Iterator[Page]:
        return self._since_walk().within(since, until, cursor, running)

    def _since_walk(self) -> SinceWalk:
        options = self._options
        media_type = "application/json" if options.result.codec == "json" else "application/xml"
        lookback = Lookback(options.lookback, "seconds", self._moment)
        return SinceWalk(self._fetch, lookback, options.size, options.start, lambda: media_type)

    def _fetch(self, since: str, page: int) -> Fetched:
        """A page; reading is harmless, so it is repeated briefly while Transient without a wait of their own."""
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, Transient) and error.retry_after is None),
            stop=tenacity.stop_after_attempt(ATTEMPTS) | tenacity.stop_after_delay(self._options.limits.total / 2),
            wait=tenacity.wait_exponential(0.2),
            reraise=True,
        )(self.ask, since, page)

    def ask(self, since: str, page: int) -> Fetched:
        result = self._options.result
        arguments, headers = self._writing.call(since, page)
        answer = self._opened(headers).call(self._options.operation, **arguments)
        body, landed = self._read(answer)
        self._judge(body)
        found = body.value(dotted(result.total)) if result.total else None
        total = int(str(found)) if str(found).isascii() and str(found).isdigit() else None
        return Fetched(landed, body.records(dotted(result.records)), total)

    def _read(self, answer: SoapAnswer) -> tuple[Body, bytes]:
        """What is to be looked into, and what is landed."""
        facts = Answer(answer.status, {}, answer.body, self._connection.url.partition("://")[2])
        match self._options.result.codec:
            case "elements":
                return XmlBody(answer.element(), facts), answer.body
            case "json":
                text = answer.payload().strip().encode()
                return JsonBody(text, facts), text
            case "xml":
                root = xml.parsed(answer.payload().removeprefix("\ufeff").strip())
                if isinstance(root, xml.Fault):
                    raise Transient("soap.unparseable", status=answer.status)
                return XmlBody(root, facts), answer.body

    def _judge(self, body: Body) -> None:
        result = self._options.result
        if result.code is None:
            return
        code, message = (_text(body, path) for path in (result.code, result.message))
        if code in result.unauthorised:
            raise Misconfigured("soap.unauthorised", status=code)
        if code not in result.success and not any(text in message for text in result.success_messages):
            raise Transient("soap.unsuccessful", operation=self._options.operation, found=shown_code(code))

    def _moment(self, record: bytes) -> str | int | None:
        kind = JsonBody if self._options.result.codec == "json" else XmlBody
        return kind.moment(record, dotted(self._options.result.moment))

    def _opened(self, headers: dict[str, str]) -> SoapService:
        """The service, made at its first use: a WSDL may have to be fetched. ``headers`` are those of this call."""
        from gateway.net.soap import Caller, SoapService, SoapTimeouts  # zeep is slow to import

        options, limits, connection = self._options, self._options.limits, self._connection
        if self._service is None:
            username = connection.login if options.username_token else None
            digest = options.username_token == "digest"  # noqa: S105  # a form, not a secret
            self._service = SoapService(
                self._wsdl(),
                options.wsdl_sha256,
                self._address,
                options.binding,
                self._allowed_hosts,
                SoapTimeouts(limits.connect, limits.read, limits.total),
                imports=options.wsdl_imports,
                answer_limit=limits.max_bytes,
                caller=Caller({}, username, connection.password.get_secret_value(), digest),
                tls=self._tls,
            )
        self._service.caller = replace(self._service.caller, headers=headers)
        return self._service

    def _wsdl(self) -> Path | FetchedWsdl:
        from gateway.net.wsdl import FetchedWsdl

        options, limits = self._options, self._options.limits
        if options.wsdl_file is not None:
            return load().targets_dir / options.wsdl_file
        timeouts = Timeouts(limits.connect, limits.read, limits.total)
        http = HttpClient(self._connection.url, self._allowed_hosts, timeouts=timeouts, tls=self._tls)
        return FetchedWsdl(http, self._connection.url, str(options.wsdl_url))

    @property
    def _tls(self) -> Tls:
        return Tls.of(self._connection)


def _text(body: Body, path: str | None) -> str:
    found = body.value(dotted(path)) if path else None
    return str(found if found is not None else "").strip()


def dotted(path: str) -> str:
    return path.replace("/", ".")
