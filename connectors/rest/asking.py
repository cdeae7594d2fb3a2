"""One page of a REST source: asked, admitted, judged, opened, split into records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urljoin, urlsplit

from connectors.bodies import Body, CsvBody, JsonBody, XmlBody
from connectors.ciphers import Opener
from connectors.rest.auth import Auth
from connectors.rest.envelope import Expired, judge
from connectors.rest.options import Options
from connectors.rest.request import Asked, Value, asked
from gateway.errors import Misconfigured, Transient
from gateway.net.answer import Answer
from gateway.net.http import HttpClient

NEXT = re.compile(r"<([^>]*)>\s*;[^,]*\brel=\"?next\"?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listed:
    """A judged answer: what of it is landed, its records and its total."""

    answer: Answer
    envelope: Body
    body: bytes
    media_type: str
    records: list[bytes]
    total: int | None


class Asking:
    """Pages of one source."""

    def __init__(self, options: Options, base: str, http: HttpClient, auth: Auth, opener: Opener | None) -> None:
        self._options, self._base = options, base
        self._http, self._auth, self._opener = http, auth, opener
        self.media_type = "application/json"  # of the last answer

    def list(self, params: Mapping[str, Value], link: str = "") -> Listed:
        """The page for ``params``, or behind ``link`` (path and query); an expired token is renewed once."""
        request = self._request({**self._options.params, **params}, link)
        self._auth.ready()  # a login that is refused here is not tried again
        try:
            return self._attempt(request)
        except (Expired, Misconfigured) as refused:
            expired = isinstance(refused, Expired) or refused.code == "net.unauthorised"
            if not expired or not self._auth.renew():
                raise _unauthorised(refused, self._options.path) from refused
        try:
            return self._attempt(request)
        except Expired as again:
            raise _unauthorised(again, self._options.path) from again

    def moment(self, record: bytes, path: str) -> str | int | None:
        """Where ``record`` says when it changed."""
        kind: type[JsonBody | XmlBody | CsvBody] = {"json": JsonBody, "xml": XmlBody, "csv": CsvBody}[
            self._options.format
        ]
        return kind.moment(record, path)

    def link(self, listed: Listed, path: str | None) -> str | None:
        """Path and query of the next page. Raises ``Misconfigured('rest.link_elsewhere')``."""
        if path is None:
            found = NEXT.search(listed.answer.headers.get("link", ""))
            named = found[1] if found else None
        else:
            named = listed.envelope.value(path)
        if not named:
            return None
        base, target = urlsplit(self._base), urlsplit(urljoin(self._base + self._options.path, str(named)))
        if (target.scheme, target.netloc) != (base.scheme, base.netloc):
            raise Misconfigured("rest.link_elsewhere", address=listed.answer.address)
        return f"{target.path}?{target.query}"

    def _request(self, params: Mapping[str, Value], link: str) -> Asked:
        options = self._options
        if not link:
            return asked(options.method, options.path, options.send, options.headers, params)
        path, _, query = link.partition("?")
        return Asked("GET", path, "query", dict(parse_qsl(query, keep_blank_values=True)), options.headers)

    def _attempt(self, request: Asked) -> Listed:
        options = self._options
        answer = self._http.ask(lambda: self._auth.admit(request).call(), json=options.format == "json")
        if "html" in answer.media_type:
            raise Transient("rest.garbled", address=answer.address, format=options.format)
        sealed = options.cipher
        body = self._opened(answer.body) if sealed is not None and sealed.at is None else answer.body
        envelope = holder = self._read(answer, body)
        full = judge(envelope, options.envelope, answer)
        if full and sealed is not None and sealed.at is not None:
            body = self._opened(self._ciphertext(envelope, sealed.at, answer))
            holder = self._read(answer, body)
        records = holder.records(options.envelope.records) if full else []
        self.media_type = holder.media_type
        return Listed(answer, envelope, body, holder.media_type, records, self._total(holder, envelope, answer))

    def _ciphertext(self, envelope: Body, path: str, answer: Answer) -> bytes:
        found = envelope.value(path)
        if not isinstance(found, str) or not found:
            raise Misconfigured("rest.no_records", address=answer.address, key=path)
        return found.encode()

    def _read(self, answer: Answer, body: bytes) -> Body:
        match self._options.format:
            case "json":
                envelope = self._options.envelope
                return JsonBody(body, answer, envelope.named, envelope.records)
            case "xml":
                return XmlBody.of(body, answer)
            case "csv":
                return CsvBody(body, answer, self._options.charset)

    def _opened(self, sealed: bytes) -> bytes:
        assert self._opener is not None  # noqa: S101
        return self._opener.open(sealed)

    def _total(self, holder: Body, envelope: Body, answer: Answer) -> int | None:
        options = self._options.envelope
        found = answer.headers.get(options.total_header.lower(), "") if options.total_header else None
        if options.total:
            found = holder.value(options.total)
            found = envelope.value(options.total) if found is None else found
        if isinstance(found, str):
            return int(found) if found.isascii() and found.isdigit() else None
        return found if isinstance(found, int) and not isinstance(found, bool) else None


def _unauthorised(refused: Expired | Misconfigured, path: str) -> Misconfigured:
    return refused if isinstance(refused, Misconfigured) else Misconfigured("rest.unauthorised", path=path)
