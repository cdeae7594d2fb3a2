"""What a source looks like, learnt from a description or from a sample: its fields, their labels, some of their values.

Read are OpenAPI documents, WSDLs, CSV and spreadsheet files, JSON and XML samples, and what a database says of a table.
Values serve the guessing alone: of a personal attribute none is ever written down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import yaml

from gateway.errors import GatewayError, Rejected
from gateway.mapping.decode import characters, decode
from gateway.mapping.spec import Reading
from gateway.mapping.text import NotAScalarError, tidy
from gateway.net import xml
from gateway.onboarding.dry_run import MEDIA_TYPES
from schemas.attributes import ATTRIBUTES, Kind

MOST_VALUES = 40
DEEPEST = 6
SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"


@dataclass(frozen=True, slots=True)
class SeenField:
    """A field of the source's records: where it stands, what it is called, some different values of it."""

    path: str
    label: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """``reading``: the mapping's ``read`` block. ``known``: parts of the options that the description tells."""

    fields: list[SeenField]
    reading: dict[str, str] = field(default_factory=dict)
    known: dict[str, str | list[str]] = field(default_factory=dict)


def read_sample(file: Path, operation: str | None = None) -> Sample:
    """The sample in ``file``. Raises ``Rejected``: ``source.sample_form``, ``source.sample_empty``."""
    suffix = file.suffix.lower()
    body = file.read_bytes()
    if suffix == ".wsdl" or (suffix == ".xml" and b"schemas.xmlsoap.org/wsdl" in body):
        return _wsdl(file, body, operation)
    if suffix in (".yaml", ".yml", ".json"):
        document = _document(file, body)
        if isinstance(document, dict) and ("openapi" in document or "swagger" in document):
            return _openapi(file, document, operation)
        if suffix == ".json":
            return _json(file, document)
    if suffix not in MEDIA_TYPES or suffix == ".json":
        raise Rejected("source.sample_form", file=file.name, known=" ".join([*MEDIA_TYPES, ".wsdl", ".yaml"]))
    return _records(file, body, MEDIA_TYPES[suffix])


def national() -> Sample:
    """Records in national field names, as those who push are asked to write them (records.md 1-3)."""
    kinds: tuple[Kind, ...] = ("service", "evaluation")
    names = {one.wire: one.title for kind in kinds for one in ATTRIBUTES[kind].values() if one.wire and one.need != "O"}
    more = {"applydate": "申请时间", "anonymityFlag": "是否匿名", "publicFlag": "是否公开"}
    joined_codes = {"evalDetail": ("510,512",)}
    fields = [SeenField(name, title, joined_codes.get(name, ())) for name, title in (names | more).items()]
    return Sample(fields, {"list": "records"})


def joined(samples: Iterable[Sample]) -> Sample | None:
    """Several samples of one source as one: a WSDL, say, and an answer that somebody saved."""
    held = list(samples)
    if not held:
        return None
    fields = max((one.fields for one in held), key=len)
    reading = {name: value for one in held for name, value in one.reading.items()}
    return Sample(fields, reading, {name: value for one in held for name, value in one.known.items()})


def of_records(records: Iterable[Any]) -> list[SeenField]:
    """Fields of records, in the order in which they come; nested ones with dotted paths."""
    values: dict[str, dict[str, None]] = {}
    for record in records:
        for path, value in _flat(record, ()):
            seen = values.setdefault(path, {})
            if value is not None and len(seen) < MOST_VALUES:
                seen[value] = None
    return [SeenField(path, path.rpartition(".")[2], tuple(seen)) for path, seen in values.items()]


def _flat(node: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
    if isinstance(node, dict) and len(path) < DEEPEST:
        for name, value in node.items():
            yield from _flat(value, (*path, str(name)))
    elif path:
        try:
            yield ".".join(path), tidy(node)
        except NotAScalarError:
            yield ".".join(path), None


def _document(file: Path, body: bytes) -> Any:
    try:
        return orjson.loads(body) if file.suffix.lower() == ".json" else yaml.safe_load(characters(body, None))
    except (ValueError, yaml.YAMLError, GatewayError) as broken:
        raise Rejected("source.sample_form", file=file.name, known="JSON, YAML") from broken


def _json(file: Path, document: Any) -> Sample:
    found = _lists(document, ())
    if not found:
        raise Rejected("source.sample_empty", file=file.name)
    path, records = max(found, key=lambda one: len(one[1]))
    where = ".".join(path)
    return Sample(of_records(records), {"list": where} if where else {}, {"records": where} if where else {})


def _lists(node: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], list[Any]]]:
    """Lists of objects, with their place; not those inside of records."""
    if isinstance(node, list):
        return [(path, node)] if node and all(isinstance(one, dict) for one in node) else []
    if not isinstance(node, dict) or len(path) >= DEEPEST:
        return []
    return [found for name, value in node.items() for found in _lists(value, (*path, str(name)))]


def _records(file: Path, body: bytes, media_type: str) -> Sample:
    reading: dict[str, str] = {}
    if media_type.endswith("xml"):
        reading = {"element": _repeated(file, body)}
    try:
        records = decode(body, media_type, Reading.model_validate(reading))
    except GatewayError as unreadable:
        raise Rejected("source.sample_form", file=file.name, known=" ".join(MEDIA_TYPES)) from unreadable
    if not records:
        raise Rejected("source.sample_empty", file=file.name)
    return Sample(of_records(records), reading)


def _repeated(file: Path, body: bytes) -> str:
    """The element that a record is: the one with children that comes most often."""
    root = xml.read(body)
    if isinstance(root, xml.Fault):
        raise Rejected("source.sample_form", file=file.name, known="XML")
    counts: dict[str, int] = {}
    for node in root.iter():
        if isinstance(node.tag, str) and len(node) and node is not root:
            name = node.tag.rpartition("}")[2]
            counts[name] = counts.get(name, 0) + len(node)
    if not counts:
        raise Rejected("source.sample_empty", file=file.name)
    return max(counts, key=lambda name: counts[name])


def _openapi(file: Path, document: Mapping[str, Any], operation: str | None) -> Sample:
    best: Sample | None = None
    for path, method, described in _operations(document):
        if operation and operation not in (path, described.get("operationId")):
            continue
        fields, where = _answered(document, described)
        if fields and (best is None or len(fields) > len(best.fields)):
            known = {"path": path, "method": method, "records": where, **_parameters(document, described)}
            best = Sample(fields, {"list": where} if where else {}, {name: one for name, one in known.items() if one})
    if best is None:
        raise Rejected("source.sample_empty", file=file.name)
    return best


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in dict(document.get("paths") or {}).items():
        for method in ("get", "post"):
            if isinstance(item, dict) and isinstance(item.get(method), dict):
                yield str(path), method.upper(), item[method]


def _answered(document: Mapping[str, Any], described: Mapping[str, Any]) -> tuple[list[SeenField], str]:
    """Fields of the list that the operation's good answer holds, and where that list stands."""
    answers = dict(described.get("responses") or {})
    answer = _resolved(document, answers.get("200") or answers.get(200) or answers.get("default"))
    contents = [*dict(answer.get("content") or {}).values(), answer]  # OpenAPI 3, then Swagger 2
    for content in contents:
        schema = _resolved(document, dict(content).get("schema"))
        for path, item in _schema_lists(document, schema, ()):
            fields = list(_properties(document, item, ()))
            if fields:
                return fields, ".".join(path)
    return [], ""


def _schema_lists(
    document: Mapping[str, Any], schema: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    if schema.get("type") == "array":
        yield path, _resolved(document, schema.get("items"))
    elif len(path) < DEEPEST:
        for name, below in dict(schema.get("properties") or {}).items():
            yield from _schema_lists(document, _resolved(document, below), (*path, str(name)))


def _properties(document: Mapping[str, Any], schema: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[SeenField]:
    for name, below in dict(schema.get("properties") or {}).items():
        one, here = _resolved(document, below), (*path, str(name))
        if one.get("properties") and len(path) < DEEPEST:
            yield from _properties(document, one, here)
        else:
            values = [*list(one.get("enum") or ()), *([one["example"]] if "example" in one else ())]
            label = str(one.get("title") or one.get("description") or name)
            yield SeenField(".".join(here), label, tuple(str(value) for value in values))


def _parameters(document: Mapping[str, Any], described: Mapping[str, Any]) -> dict[str, str]:
    names = [str(_resolved(document, one).get("name", "")) for one in described.get("parameters") or ()]
    wanted = {
        "since_param": ("since", "after", "start", "from", "begin", "update"),
        "cursor_param": ("cursor", "token"),
        "size_param": ("size", "limit", "rows", "count"),
        "page_param": ("page", "current"),
    }
    found: dict[str, str] = {}
    for part, marks in wanted.items():
        for name in names:
            if name not in found.values() and any(mark in name.lower() for mark in marks):
                found[part] = name
                break
    return found


def _resolved(document: Mapping[str, Any], node: Any) -> Mapping[str, Any]:
    """``node`` with its reference followed, and parts of an ``allOf`` put together; references outside are not read."""
    for _ in range(DEEPEST):
        if not isinstance(node, dict) or not str(node.get("$ref", "")).startswith("#/"):
            break
        target: Any = document
        for part in str(node["$ref"])[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            target = target.get(name) if isinstance(target, dict) else None
        node = target
    if not isinstance(node, dict):
        return {}
    parts = [_resolved(document, one) for one in node.get("allOf") or ()]
    properties = {name: one for part in parts for name, one in dict(part.get("properties") or {}).items()}
    return {**node, "properties": {**properties, **dict(node.get("properties") or {})}} if parts else node


def _wsdl(file: Path, body: bytes, operation: str | None) -> Sample:
    root = xml.read(body)
    if isinstance(root, xml.Fault):
        raise Rejected("source.sample_form", file=file.name, known="WSDL")
    space = root.get("targetNamespace") or ""
    operations = [str(node.get("name")) for node in root.iter(f"{WSDL}operation")]
    bindings = [str(node.get("name")) for node in root.iter(f"{WSDL}binding")]
    known: dict[str, str | list[str]] = {
        "wsdl_sha256": hashlib.sha256(body).hexdigest(),
        "wsdl_file": f"wsdl/{file.name}",
    }
    if bindings:
        known["binding"] = f"{{{space}}}{bindings[0]}"
    listing = [name for name in operations if any(mark in name.lower() for mark in ("list", "query", "get", "find"))]
    chosen = operation or next(iter([*listing, *operations]), "")
    if chosen:
        known["operation"] = chosen
    return Sample(_elements(root), {}, known)


def _elements(root: Any) -> list[SeenField]:
    """Elements of the largest record that the WSDL spells out; a service of strings spells out none."""
    best: list[SeenField] = []
    for kind in root.iter(f"{SCHEMA}complexType"):
        fields = [
            SeenField(str(node.get("name")), _documented(node), ())
            for sequence in kind
            for node in sequence
            if node.tag == f"{SCHEMA}element" and node.get("name")
        ]
        if len(fields) > max(len(best), 5):
            best = fields
    return best


def _documented(node: Any) -> str:
    told = " ".join(text.text or "" for text in node.iter(f"{SCHEMA}documentation")).strip()
    return told or str(node.get("name"))
