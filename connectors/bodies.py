"""Looking into an answer without parsing its records: JSON is split into raw pieces, XML and CSV into records."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import msgspec
from lxml import etree

from connectors.places import finder
from gateway.errors import Misconfigured, Transient
from gateway.net import xml
from gateway.net.answer import Answer

GARBAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
Scalar = str | int | None
_level = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw] | None)


@lru_cache(maxsize=256)
def _scanner(path: str) -> Callable[[bytes], Any]:
    """A compiled reader of the scalar at ``path``: it skips everything else, at the speed of the parser."""
    keys = path.split(".")
    decode = msgspec.json.Decoder(_shape(keys)).decode

    def scan(record: bytes) -> Any:
        found = decode(record)
        for _ in keys:
            found = found.held
        return found

    return scan


def _shape(keys: Sequence[str]) -> Any:
    inner: Any = _shape(keys[1:]) if keys[1:] else Scalar
    return msgspec.defstruct("Held", [("held", inner, msgspec.field(name=keys[0]))], gc=False)


class Body(Protocol):
    """One body. Raises ``Transient('net.not_json')`` or ``Transient('rest.garbled')`` as soon as it proves broken."""

    media_type: str

    def value(self, path: str) -> Any: ...

    def records(self, path: str | None) -> list[bytes]:
        """Raw records. Raises ``Misconfigured('rest.no_records')`` when there is no list."""
        ...

    def moment(self, record: bytes, path: str) -> str | int | None:
        """The text or whole number at ``path`` of one raw record; anything else is ``None``."""
        ...


class JsonBody:
    """JSON of any shape: each level is decoded into raw pieces when it is looked at.

    Where the paths are known before, the ``single`` values' and the list's, they are all found in one pass.
    """

    media_type = "application/json"

    def __init__(
        self, body: bytes, answer: Answer, single: frozenset[str] = frozenset(), several: str | None = None
    ) -> None:
        self._body, self._answer = body, answer
        self._found = (finder(single, several)(body) if several else None) or {}
        self._levels: dict[str, dict[str, msgspec.Raw]] = {}

    def value(self, path: str) -> Any:
        raw = self._raw(path)
        try:
            return None if raw is None else msgspec.json.decode(raw)
        except GARBAGE as garbage:
            raise self._not_json from garbage

    def records(self, path: str | None) -> list[bytes]:
        found = self._found.get(path or "")
        if isinstance(found, list):
            return list(map(bytes, found))
        raw = self._body if path is None else self._raw(path)
        try:
            return [bytes(record) for record in _list.decode(raw if raw is not None else b"false") or ()]
        except msgspec.ValidationError as other:
            raise Misconfigured("rest.no_records", address=self._answer.address, key=path or "") from other
        except GARBAGE as garbage:
            raise self._not_json from garbage

    @staticmethod
    def moment(record: bytes, path: str) -> str | int | None:
        try:
            return _scanner(path)(record) or None
        except GARBAGE:
            return None

    def _raw(self, path: str) -> bytes | msgspec.Raw | None:
        """The raw JSON at ``path``, ``None`` if it is not there."""
        found = self._found.get(path)
        if isinstance(found, msgspec.Raw):
            return found
        piece: bytes | msgspec.Raw | None = self._body
        above = ""
        for key in path.split("."):
            if piece is None or (above and bytes(memoryview(piece)[:1]) != b"{"):
                return None
            piece = self._level(above, piece).get(key)
            above += f".{key}"
        return piece

    def _level(self, above: str, raw: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
        """What stands at the path ``above``, split once however often it is asked for."""
        if above not in self._levels:
            try:
                self._levels[above] = _level.decode(raw)
            except GARBAGE as garbage:
                raise self._not_json from garbage
        return self._levels[above]

    @property
    def _not_json(self) -> Transient:
        return Transient("net.not_json", address=self._answer.address, status=self._answer.status)


class XmlBody:
    """XML; paths are local names, joined by dots, below the root. No DTD, no entity, nothing loaded."""

    media_type = "application/xml"

    def __init__(self, root: etree._Element, answer: Answer) -> None:
        self._root, self._answer = root, answer

    @classmethod
    def of(cls, body: bytes, answer: Answer) -> XmlBody:
        """Raises ``Transient('rest.garbled')``."""
        root = xml.read(body, answer.headers.get("content-type", ""))
        if isinstance(root, xml.Fault):
            raise Transient("rest.garbled", address=answer.address, format="xml")
        return cls(root, answer)

    def value(self, path: str) -> str | None:
        found = _below(self._root, path)
        return (found[0].text or "").strip() if found else None

    def records(self, path: str | None) -> list[bytes]:
        if path is None:
            raise Misconfigured("rest.no_records", address=self._answer.address, key="")
        holder = path.rpartition(".")[0]
        if holder and not _below(self._root, holder):
            raise Misconfigured("rest.no_records", address=self._answer.address, key=holder)
        return [etree.tostring(record, with_tail=False, encoding="utf-8") for record in _below(self._root, path)]

    @staticmethod
    def moment(record: bytes, path: str) -> str | None:
        root = xml.read(record)
        found = [] if isinstance(root, xml.Fault) else _below(root, path)
        return ((found[0].text or "").strip() or None) if found else None


class CsvBody:
    """Rows below a header; there is no envelope. A record is its row's cells, written as JSON."""

    def __init__(self, body: bytes, answer: Answer, charset: str) -> None:
        declared = answer.headers.get("content-type", "").lower().partition("charset=")[2].strip("\"' ;") or charset
        charset = "gb18030" if declared in ("gbk", "gb2312", "gb18030") else "utf-8"
        self.media_type = f"text/csv; charset={charset}"
        self._answer = answer
        try:
            text = body.decode("utf-8-sig" if charset == "utf-8" else charset)
            rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
        except (csv.Error, UnicodeDecodeError) as garbage:
            raise Transient("rest.garbled", address=answer.address, format="csv") from garbage
        if any(len(row) != len(rows[0]) for row in rows):
            raise Transient("rest.garbled", address=answer.address, format="csv")
        header = [name.strip() for name in rows[0]] if rows else []
        self._records = [msgspec.json.encode(dict(zip(header, row, strict=True))) for row in rows[1:]]

    def value(self, path: str) -> None:
        return None

    def records(self, path: str | None) -> list[bytes]:
        return self._records

    @staticmethod
    def moment(record: bytes, path: str) -> str | None:
        found = msgspec.json.decode(record, type=dict[str, str]).get(path)
        return found.strip() or None if found else None


def _below(root: etree._Element, path: str) -> list[etree._Element]:
    return list(root.findall("/".join(f"{{*}}{name}" for name in path.split("."))))
