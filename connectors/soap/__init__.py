"""SOAP sources: a list operation, string in and out, asked by time of change. A page is the envelope as received."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import tenacity
from lxml import etree

from connectors import options_of
from connectors.recent import Lookback
from connectors.since import Fetched, SinceWalk
from connectors.soap.options import Options
from gateway.connector import Connector, Finding, Page
from gateway.errors import GatewayError, Misconfigured, Transient
from gateway.net.ahead import read_ahead
from gateway.settings import Connection, load
from schemas.source import SourceFile

if TYPE_CHECKING:
    from gateway.net.soap import SoapService

__all__ = ["Options", "build"]

MEDIA_TYPE = "application/xml"
ATTEMPTS = 3
DECLARATION = re.compile(r"^\ufeff?\s*<\?xml[^>]*\?>")  # what it says of a charset ended when the string was read


class SoapConnector:
    """See :class:`gateway.connector.Connector`."""

    def __init__(self, options: Options, connection: Connection, allowed_hosts: str, wsdl: Path) -> None:
        from gateway.net.soap import SoapService, SoapTimeouts  # zeep is slow to import

        limits = options.limits
        self._options = options
        self._token = connection.password.get_secret_value()
        self._service: SoapService = SoapService(
            wsdl,
            options.wsdl_sha256,
            connection.url + str(connection.extra.get("path") or options.path),
            options.binding,
            allowed_hosts,
            SoapTimeouts(limits.connect, limits.read, limits.total),
        )
        self._walk = SinceWalk(
            self._fetch,
            Lookback(600, "seconds", self._moment),
            options.size,
            options.start,
            lambda: MEDIA_TYPE,
        )
        self._reading: Generator[Page, None, None] | None = None

    def check(self) -> list[Finding]:
        try:
            page = next(self._walk.pages(None), None)
        except GatewayError as failure:
            return [Finding(False, "list", str(failure))]
        return [Finding(True, "list", f"records: {page.declared if page else 0}")]

    def pages(self, cursor: str | None, known: Callable[[str], bool]) -> Iterator[Page]:
        self._reading = read_ahead(self._walk.pages(cursor), self._options.ahead)
        return self._reading

    def landed(self, page: Page) -> None:
        """Nothing to do: the source keeps no account of what we took."""

    def unfinished(self) -> list[str]:
        """An answer is whole, or it is an error."""
        return []

    def close(self) -> None:
        """Stop reading ahead; connections end with their call."""
        if self._reading is not None:
            self._reading.close()

    def _fetch(self, since: str, page: int) -> Fetched:
        """A page; reading is harmless, so it is repeated briefly while Transient without a wait of their own."""
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, Transient) and error.retry_after is None),
            stop=tenacity.stop_after_attempt(ATTEMPTS) | tenacity.stop_after_delay(self._options.limits.total / 2),
            wait=tenacity.wait_exponential(0.2),
            reraise=True,
        )(self._ask, since, page)

    def _ask(self, since: str, page: int) -> Fetched:
        options, result = self._options, self._options.result
        params = {options.payload_param: self._query(since, page)}
        if options.token_param:
            params[options.token_param] = self._token
        answer = self._service.call(options.operation, **params)
        root = _parsed(answer.payload())
        code = (root.findtext(result.code) or "").strip()
        if code in result.unauthorised:
            raise Misconfigured("soap.unauthorised", status=code)
        if code not in result.success:
            raise Transient("soap.unsuccessful", operation=options.operation, found=code[:12])
        total = (root.findtext(result.total) or "").strip() if result.total else ""
        records = [etree.tostring(record, with_tail=False) for record in root.findall(result.records)]
        return Fetched(answer.body, records, int(total) if total.isdigit() else None)

    def _query(self, since: str, page: int) -> str:
        query = self._options.query
        root = etree.Element(query.root)
        values = {query.since: since, query.until: query.until_value, query.page: page, query.size: self._options.size}
        for name, value in values.items():
            if name is not None:
                etree.SubElement(root, name).text = str(value)
        return str(etree.tostring(root, encoding="unicode"))

    def _moment(self, record: bytes) -> str | None:
        text = _parsed(record).findtext(self._options.result.moment)
        return text.strip() or None if text else None


def _parsed(text: str | bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        return etree.fromstring(DECLARATION.sub("", text).encode() if isinstance(text, str) else text, parser)
    except etree.XMLSyntaxError as broken:
        raise Transient("soap.unparseable", status=200) from broken


def build(source: SourceFile, connection: Connection, allowed_hosts: str) -> Connector:
    options = options_of(source, Options)
    return SoapConnector(options, connection, allowed_hosts, load().targets_dir / options.wsdl_file)
