"""A page's bytes to source records: JSON, CSV, spreadsheets, XML also inside a SOAP answer. Nothing is guessed twice.

Every fault is ``Rejected('page.undecodable', reason=…)``: the page is kept and goes to quarantine as a whole.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import orjson

from gateway.errors import Rejected
from gateway.mapping.sheets import sheet
from gateway.mapping.spec import Reading

ONE_RECORD = "application/json; records=one"  # the body is a single record, not a list (推送的单条)
SHEET_TYPES = ("spreadsheet", "ms-excel")
_MAX_CELL = 131_072
USUAL_DELIMITER = "comma"
DELIMITERS = {USUAL_DELIMITER: ",", "semicolon": ";", "tab": "\t", "pipe": "|"}  # of a CSV, as its media type names it


def decode(body: bytes, media_type: str, reading: Reading) -> list[Any]:
    """Source records in the order of the page."""
    kind, _, parameters = media_type.partition(";")
    kind = kind.strip().lower()
    if kind.endswith(("json", "+json")):
        return [_parsed(body)] if media_type == ONE_RECORD else _json(body, reading.list_)
    if kind.endswith("csv"):
        declared = _parameters(parameters)
        return _csv(body, _charset(declared) or reading.encoding, declared.get("delimiter", USUAL_DELIMITER))
    if any(mark in kind for mark in SHEET_TYPES):
        return sheet(body)
    if kind.endswith("xml"):
        return _xml(body, reading.element or "record")
    raise _undecodable("media_type")


def _undecodable(reason: str) -> Rejected:
    return Rejected("page.undecodable", reason=reason)


def _parsed(body: bytes) -> Any:
    """JSON; where only single values are none (half an emoji, ``NaN``), so that just their records need be refused."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as broken:
        raise _undecodable("json") from broken


def _json(body: bytes, path: str | None) -> list[Any]:
    found = _parsed(body)
    for part in path.split(".") if path else ():
        if not isinstance(found, dict) or part not in found:
            raise _undecodable("list")
        found = found[part]
    if not isinstance(found, list):
        raise _undecodable("list")
    return found


def _parameters(written: str) -> dict[str, str]:
    pairs = (parameter.partition("=") for parameter in written.split(";"))
    return {name.strip().lower(): value.strip("\"' ").lower() for name, _, value in pairs}


def _charset(parameters: dict[str, str]) -> str | None:
    declared = parameters.get("charset")
    if declared is None:
        return None
    charset = declared.replace("_", "-")
    return "gb18030" if charset in {"gbk", "gb2312", "gb18030"} else charset


def characters(body: bytes, encoding: str | None) -> str:
    """Strict utf-8 (with or without a mark), then strict GB18030, unless the encoding is declared."""
    for candidate in (encoding,) if encoding else ("utf-8-sig", "gb18030"):
        try:
            return body.decode("utf-8-sig" if candidate == "utf-8" else candidate)
        except (UnicodeDecodeError, LookupError):
            continue
    raise _undecodable("encoding")


def _csv(body: bytes, encoding: str | None, delimiter: str) -> list[Any]:
    if delimiter not in DELIMITERS:
        raise _undecodable("delimiter")
    csv.field_size_limit(_MAX_CELL)
    text = io.StringIO(characters(body, encoding), newline="")
    try:
        rows = [row for row in csv.reader(text, strict=True, delimiter=DELIMITERS[delimiter]) if row]
    except csv.Error as broken:
        raise _undecodable("csv") from broken
    if not rows:
        raise _undecodable("header")
    header = [name.strip() for name in rows[0]]
    if len(set(header)) != len(header) or "" in header:
        raise _undecodable("header")
    width = len(header)
    if any(len(row) != width for row in rows):
        raise _undecodable("columns")
    return [dict(zip(header, row, strict=True)) for row in rows[1:]]


def _xml(body: bytes, element: str) -> list[Any]:
    root = _parse_xml(body)
    found = _named(root, element)
    if not found and _local(root) == "Envelope":
        inner = [node.text for node in root.iter() if isinstance(node.tag, str) and node.text and "<" in node.text]
        if len(inner) != 1:
            raise _undecodable("envelope")
        found = _named(_parse_xml(inner[0].strip().encode("utf-8")), element)
    return [_fields(node) for node in found]


def _parse_xml(body: bytes) -> Any:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(_recoded(body), parser)
    except (etree.XMLSyntaxError, ValueError) as broken:
        raise _undecodable("xml") from broken
    if root.getroottree().docinfo.doctype:
        raise _undecodable("doctype")
    return root


def _recoded(body: bytes) -> bytes:
    """libxml2 takes GB2312 by the letter and fails on GB18030 bytes under that name: recode first."""
    start, end = body.find(b"<?xml"), body.find(b"?>")
    if start not in {0, 3} or end < 0:
        return body
    declaration = body[start:end].lower()
    if b"utf-8" in declaration or b"encoding" not in declaration:
        return body
    if not any(name in declaration for name in (b"gb2312", b"gbk", b"gb18030")):
        return body
    return characters(body[end + 2 :], "gb18030").encode("utf-8")


def _named(root: Any, element: str) -> list[Any]:
    return [node for node in root.iter() if isinstance(node.tag, str) and _local(node) == element]


def _local(node: Any) -> str:
    return str(node.tag).rpartition("}")[2]


def _fields(node: Any) -> dict[str, Any]:
    """Child elements by local name; nested ones become objects, repeated ones lists."""
    fields: dict[str, Any] = {}
    for child in node:
        if not isinstance(child.tag, str):
            continue
        value = _fields(child) if len(child) else (child.text or "")
        name = _local(child)
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    return fields
