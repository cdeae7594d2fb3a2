"""Where a WSDL and what it imports come from: only named documents, each pinned by its SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from gateway.errors import Misconfigured
from gateway.net.http import HttpClient


class Origin(Protocol):
    """A place that holds a WSDL and its imports."""

    @property
    def start(self) -> str:
        """Address of the WSDL."""
        ...

    def named(self, name: str) -> str:
        """Address of the import that a configuration calls ``name``."""
        ...

    def read(self, url: str) -> bytes: ...


class VendoredWsdl:
    """Files of this deployment; imports are named by their place beside the WSDL."""

    def __init__(self, wsdl: Path) -> None:
        self._wsdl = wsdl.resolve()

    @property
    def start(self) -> str:
        return str(self._wsdl)

    def named(self, name: str) -> str:
        return str(self._wsdl.parent / name)

    def read(self, url: str) -> bytes:
        try:
            return Path(url).read_bytes()
        except OSError as missing:
            raise Misconfigured("soap.wsdl_missing", file=Path(url).name) from missing


class FetchedWsdl:
    """What the source itself offers (``…?wsdl``), from its own host only; imports are named by path and query there."""

    def __init__(self, http: HttpClient, base_url: str, wsdl: str) -> None:
        self._http, self._base = http, base_url.rstrip("/")
        self.start = self._base + wsdl

    def named(self, name: str) -> str:
        return self._base + name

    def read(self, url: str) -> bytes:
        return self._http.get(url.removeprefix(self._base), json=False).body  # "?wsdl" is not "?wsdl=" everywhere


class Pinned:
    """The documents of ``origin`` whose sums are known. ``load`` raises ``Misconfigured``: ``soap.wsdl_external`` for
    any other, ``soap.wsdl_changed``, ``soap.wsdl_missing``."""

    def __init__(self, origin: Origin, wsdl_sha256: str, imports: Mapping[str, str]) -> None:
        self._origin = origin
        self._sums = {origin.start: wsdl_sha256} | {origin.named(name): sum_ for name, sum_ in imports.items()}

    @property
    def start(self) -> str:
        return self._origin.start

    @property
    def name(self) -> str:
        """For people: without folders and host."""
        return _name(self.start)

    def load(self, url: str) -> bytes:
        if url not in self._sums:
            raise Misconfigured("soap.wsdl_external", file=_name(url))
        content = self._origin.read(url)
        if hashlib.sha256(content).hexdigest() != self._sums[url]:
            raise Misconfigured("soap.wsdl_changed", file=_name(url))
        return content


def _name(url: str) -> str:
    parts = urlsplit(url)
    return Path(parts.path).name + (f"?{parts.query}" if parts.query else "")
