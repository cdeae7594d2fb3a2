"""Looking into an answer without parsing its records: JSON is split into raw pieces, XML and CSV into records."""

from __future__ import annotations

import csv
import io
from typing import Any, Protocol

import msgspec
from lxml import etree

from gateway.errors import Misconfigured, Transient
from gateway.net import xml
from gateway.net.answer import Answer

GARBAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_level = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw] | None)


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
    """JSON of any shape: each level is decoded into raw pieces when it is looked at."""

    media_type = "application/json"

    def __init__(self, body: bytes, answer: Answer) -> None:
        self._body, self._answer = body, answer

    def value(self, path: str) -> Any:
        raw = self._raw(path)
        try:
            return None if raw is None else msgspec.json.decode(raw)
        except GARBAGE as garbage:
            raise self._not_json from garbage

    def records(self, path: str | None) -> list[bytes]:
        raw = self._body if path is None else self._raw(path)
        try:
            return [bytes(record) for record in _list.decode(raw if raw is not None else b"false") or ()]
        except msgspec.ValidationError as other:
            raise Misconfigured("rest.no_records", address=self._answer.address, key=path or "") from other
        except GARBAGE as garbage:
            raise self._not_json from garbage

    @staticmethod
    def moment(record: bytes, path: str) -> str | int | None:
        piece: bytes | msgspec.Raw = record
        try:
            for key in path.split("."):
                piece = _level.decode(piece)[key]
            value = msgspec.json.decode(piece, type=str | int | None)
        except (*GARBAGE, KeyError):
            return None
        return value or None

    def _raw(self, path: str) -> bytes | None:
        """The raw JSON at ``path``, ``None`` if it is not there."""
        piece: bytes | msgspec.Raw | None = self._body
        for depth, key in enumerate(path.split(".")):
            if piece is None or (depth and bytes(piece)[:1] != b"{"):
                return None
            piece = self._split(piece).get(key)
        return None if piece is None else bytes(piece)

    def _split(self, raw: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
        try:
            return _level.decode(raw)
        except GARBAGE as garbage:
            raise self._not_json from garbage

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
