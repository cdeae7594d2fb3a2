"""REST sources: lists over HTTP, asked page by page, by time of change, by span of time, whole, or by opaque cursor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from connectors import options_of
from connectors.ciphers import Opener
from connectors.polled import Polled
from connectors.rest.asking import Asking
from connectors.rest.auth import auth_for
from connectors.rest.options import Options
from connectors.rest.paging import walk_of
from gateway.connector import Connector, Finding, Page
from gateway.net.http import HttpClient, Timeouts, Tls
from gateway.settings import Connection
from schemas.source import SourceFile

__all__ = ["Options", "build"]


class RestConnector(Polled):
    """See :class:`gateway.connector.Connector`."""

    def __init__(self, options: Options, connection: Connection, allowed_hosts: str) -> None:
        limits, extra = options.limits, connection.extra
        self.ahead = options.ahead
        self._options = options
        self._http = HttpClient(
            connection.url,
            allowed_hosts,
            timeouts=Timeouts(limits.connect, limits.read, limits.total),
            max_bytes=limits.max_bytes,
            tls=Tls.of(connection),
        )
        self._auth = auth_for(options, connection, self._http)
        opener = Opener(options.cipher, extra) if options.cipher else None
        self._walk = walk_of(options, Asking(options, connection.url, self._http, self._auth, opener))

    def greet(self) -> Iterator[Finding]:
        self._auth.ready()
        yield Finding(True, "login", self._options.auth.kind)

    def walk(self, cursor: str | None) -> Iterator[Page]:
        return self._walk.pages(cursor)

    def walk_within(self, since: datetime, until: datetime, cursor: str | None, running: str | None) -> Iterator[Page]:
        return self._walk.within(since, until, cursor, running)

    def close(self) -> None:
        super().close()
        self._http.close()


def build(source: SourceFile, connection: Connection, allowed_hosts: str) -> Connector:
    return RestConnector(options_of(source, Options), connection, allowed_hosts)
