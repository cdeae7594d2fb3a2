"""REST sources: GET pages of JSON, by time of change or by an opaque cursor."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator

import msgspec

from connectors import options_of
from connectors.rest.auth import auth_for
from connectors.rest.envelope import Expired, Opened, moment_at
from connectors.rest.options import CursorPaging, Options, SincePaging
from connectors.since import Fetched, SinceWalk, read_cursor
from gateway.connector import Connector, Finding, Page
from gateway.errors import GatewayError, Misconfigured, Transient
from gateway.net.ahead import read_ahead
from gateway.net.answer import Answer
from gateway.net.http import HttpClient, Timeouts, Tls
from gateway.settings import Connection
from schemas.source import SourceFile

__all__ = ["Options", "build"]

MEDIA_TYPE = "application/json"


class Onward(msgspec.Struct, frozen=True):
    """The cursor of a source that hands out its own."""

    cursor: str


class RestConnector:
    """See :class:`gateway.connector.Connector`."""

    def __init__(self, options: Options, connection: Connection, allowed_hosts: str) -> None:
        limits = options.limits
        extra = connection.extra
        self._options = options
        self._http = HttpClient(
            connection.url,
            allowed_hosts,
            timeouts=Timeouts(limits.connect, limits.read, limits.total),
            max_bytes=limits.max_bytes,
            tls=Tls(extra.get("ca"), extra.get("cert"), extra.get("key")),
        )
        self._auth = auth_for(options, connection, self._http)
        self._reading: Generator[Page, None, None] | None = None

    def check(self) -> list[Finding]:
        findings = []
        step = "login"
        try:
            self._auth.headers()
            findings.append(Finding(True, step, self._options.auth.kind))
            step = "list"
            page = next(self._pages(None), None)
        except GatewayError as failure:
            return [*findings, Finding(False, step, str(failure))]
        return [*findings, Finding(True, step, f"records: {page.declared if page else 0}")]

    def pages(self, cursor: str | None, known: Callable[[str], bool]) -> Iterator[Page]:
        self._reading = read_ahead(self._pages(cursor), self._options.ahead)
        return self._reading

    def landed(self, page: Page) -> None:
        """Nothing to do: a REST source keeps no account of what we took."""

    def unfinished(self) -> list[str]:
        """An answer is whole, or it is an error."""
        return []

    def close(self) -> None:
        if self._reading is not None:
            self._reading.close()
        self._http.close()

    def _pages(self, cursor: str | None) -> Iterator[Page]:
        paging = self._options.paging
        if isinstance(paging, CursorPaging):
            return self._by_cursor(paging, cursor)
        return self._by_moment(paging).pages(cursor)

    def _by_moment(self, paging: SincePaging) -> SinceWalk:
        envelope = self._options.envelope

        def fetch(since: str, page: int) -> Fetched:
            numbers = {paging.since_param: since, paging.page_param: str(page), paging.size_param: str(paging.size)}
            answer, opened = self._get(numbers)
            total = opened.value(envelope.total) if envelope.total else None
            return Fetched(answer.body, opened.records(envelope.records), total if isinstance(total, int) else None)

        return SinceWalk(fetch, lambda record: moment_at(record, paging.moment), paging.size, paging.start, MEDIA_TYPE)

    def _by_cursor(self, paging: CursorPaging, cursor: str | None) -> Iterator[Page]:
        stored = read_cursor(cursor, Onward)
        here = stored.cursor if stored else paging.start
        while True:
            answer, opened = self._get({paging.cursor_param: here, paging.size_param: str(paging.size)})
            records = opened.records(self._options.envelope.records)
            onward, more = opened.value(paging.next), opened.value(paging.more)
            if not isinstance(more, bool) or (records and not isinstance(onward, str)):
                raise Misconfigured("rest.no_next", address=answer.address, key=f"{paging.next}, {paging.more}")
            if (records or more) and onward == here:
                raise Transient("rest.cursor_stuck", address=answer.address)
            if records:
                place = msgspec.json.encode(Onward(onward)).decode()
                yield Page(answer.body, MEDIA_TYPE, f"cursor={_short(here)}", place, len(records))
            if not more:
                return
            here = onward

    def _get(self, params: dict[str, str]) -> tuple[Answer, Opened]:
        """One page; an expired token is renewed once."""
        asked = {**self._options.params, **params}
        self._auth.headers()  # a login that is refused here is not tried again
        try:
            return self._attempt(asked)
        except (Expired, Misconfigured) as refused:
            expired = isinstance(refused, Expired) or refused.code == "net.unauthorised"
            if not expired or not self._auth.renew():
                raise _unauthorised(refused, self._options.path) from refused
        try:
            return self._attempt(asked)
        except Expired as again:
            raise _unauthorised(again, self._options.path) from again

    def _attempt(self, params: dict[str, str]) -> tuple[Answer, Opened]:
        answer = self._http.get(self._options.path, params=params, headers=self._auth.headers)
        return answer, Opened(answer).expect(self._options.envelope)


def _unauthorised(refused: Expired | Misconfigured, path: str) -> Misconfigured:
    return refused if isinstance(refused, Misconfigured) else Misconfigured("rest.unauthorised", path=path)


def _short(cursor: str) -> str:
    """An opaque cursor may be long or hold anything: its digest names it as well."""
    return hashlib.sha256(cursor.encode()).hexdigest()[:16] if cursor else "start"


def build(source: SourceFile, connection: Connection, allowed_hosts: str) -> Connector:
    return RestConnector(options_of(source, Options), connection, allowed_hosts)
