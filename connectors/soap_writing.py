"""What a SOAP source is asked: its arguments and header texts, put together from their templates."""

from __future__ import annotations

from typing import Any

import msgspec
from lxml import etree

from connectors.signing import Signer
from connectors.soap_options import PART, SoapOptions
from gateway.settings import Connection


class Writing:
    """``signer``: where a template holds ``{sign}``, ``{timestamp}`` or ``{nonce}``."""

    def __init__(self, options: SoapOptions, connection: Connection, signer: Signer | None) -> None:
        self._options, self._signer = options, signer
        self._own = {"token": connection.password.get_secret_value(), "login": connection.login}

    def call(self, since: str, page: int) -> tuple[dict[str, str], dict[str, str]]:
        """Arguments and header texts of one call."""
        options = self._options
        parts = {
            **self._own,
            "since": since,
            "until": options.query.until_value,
            "page": str(page),
            "size": str(options.size),
            "query": self._query(since, page),
        }
        if self._signer is not None:
            unsigned = {name: text for name, text in options.templates.items() if "{sign}" not in text}
            marks = self._signer.marks()
            given = _filled(unsigned, parts | marks)
            parts |= self._signer.marks(params=given, nonce=marks["nonce"], timestamp=marks["timestamp"])
        return _filled(options.templates, parts), _filled(options.headers, parts)

    def _query(self, since: str, page: int) -> str:
        query = self._options.query
        named: list[tuple[str | None, Any]] = [
            (query.since, since),
            (query.until, query.until_value),
            (query.page, page),
            (query.size, self._options.size),
        ]
        values = {name: value for name, value in named if name is not None}
        if query.codec == "json":
            return msgspec.json.encode(values).decode()
        root = etree.Element(query.root)
        for name, value in values.items():
            etree.SubElement(root, name).text = str(value)
        return str(etree.tostring(root, encoding="unicode"))


def _filled(templates: dict[str, str], parts: dict[str, str]) -> dict[str, str]:
    return {name: PART.sub(lambda part: parts[part[1]], text) for name, text in templates.items()}
